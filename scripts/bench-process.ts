import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of the bench's own that does one task at a time. */
export type Helper<Task, Done> = {
  do(task: Task): Promise<Done>
  stop(): Promise<void>
}

type Answer<Done> = { readonly done: Done } | { readonly error: string }

/** What drives a side runs apart from what is measured and from what measures. `file`: beside this one. */
export function startHelper<Task extends object, Done>(
  file: string,
  setup: object,
): Helper<Task, Done> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, [JSON.stringify(setup)], { execArgv: ['--import', 'tsx'] })
  const exited = once(child, 'exit')
  return {
    async do(task) {
      const answered = once(child, 'message') as Promise<[Answer<Done>]>
      child.send(task)
      const answer = await Promise.race([answered, exited.then(() => undefined)])
      if (answer === undefined) throw new Error(`${file} ended in the middle of its work`)
      if ('error' in answer[0]) throw new Error(answer[0].error)
      return answer[0].done
    },
    async stop() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** The other side of it, in the helper's own process. */
export function runHelper<Setup, Task, Done>(
  start: (setup: Setup) => Promise<{ do(task: Task): Promise<Done>; close(): Promise<void> }>,
): void {
  const started = start(JSON.parse(process.argv[2] ?? '{}') as Setup)
  process.on('message', (task: Task) => {
    const answer = started
      .then((work) => work.do(task))
      .then(
        (done): Answer<Done> => ({ done }),
        (err: unknown): Answer<Done> => ({ error: err instanceof Error ? err.message : `${err}` }),
      )
    void answer.then((each) => process.send?.(each))
  })
  process.once('disconnect', () => void started.then((work) => work.close()))
}

/** How many of the jobs were done per second, with so many under way at any time. */
export async function timed(jobs: readonly (() => Promise<void>)[], inFlight: number) {
  let next = 0
  const from = performance.now()
  const work = async () => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await job()
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  return jobs.length / ((performance.now() - from) / 1000)
}
