import pg from 'pg'

/** Enough to make the commit cheap, few enough that the locks of the first are not held for long. */
const groupMax = 16
const groupsMax = 4
/** A group that is slower is not waited for before the next begins. */
const slowMs = 20
/** Rows are locked in any order here, so two groups could wait for each other: then each goes alone. */
const begin = 'begin; set local lock_timeout = 100'

type Waiting = {
  readonly statement: pg.QueryConfig
  resolve(rows: unknown[]): void
  reject(err: unknown): void
}

export type SharedCommits = {
  /** Its rows, committed. Rejects as `alone` does. */
  rows(statement: pg.QueryConfig): Promise<unknown[]>
  close(): Promise<void>
}

/**
 * Statements that come while another is under way go to the server together, in one transaction: a
 * commit costs as much as the statement before it. A statement that fails takes nobody with it: the
 * transaction is rolled back and each is run alone. `isFinal`: nobody knows what was done, or
 * nothing can be done now.
 */
export function createSharedCommits(deps: {
  /** Of connections of its own. */
  config: pg.PoolConfig
  onLost: (err: Error) => void
  alone: (statement: pg.QueryConfig) => Promise<unknown[]>
  isFinal: (err: unknown) => boolean
}): SharedCommits {
  const { alone, isFinal } = deps
  const pool = new pg.Pool({ ...deps.config, max: groupsMax, pipeline: true })
  pool.on('error', deps.onLost)
  const waiting: Waiting[] = []
  let running = 0

  function beginNext(): void {
    const isDue = running === 0 || (running < groupsMax && waiting.length >= groupMax)
    if (waiting.length === 0 || !isDue) return
    running += 1
    let ended = false
    const end = () => {
      clearTimeout(slow)
      if (ended) return
      ended = true
      running -= 1
      beginNext()
    }
    const slow = setTimeout(end, slowMs)
    void run(waiting.splice(0, groupMax)).finally(end)
  }

  async function run(group: readonly Waiting[]): Promise<void> {
    if (group.length > 1 && (await runTogether(group))) return
    await Promise.all(group.map((each) => alone(each.statement).then(each.resolve, each.reject)))
  }

  /** False: one of them has failed, and nothing of any was done. */
  async function runTogether(group: readonly Waiting[]): Promise<boolean> {
    const client = await pool.connect().catch((err: unknown) => reject(group, err))
    if (client === undefined) return true
    client.on('error', deps.onLost)
    // Sent one behind the other, and not waiting for answers.
    const begun = settled(client.query(begin))
    const sent = group.map(({ statement }) => settled(client.query(statement)))
    const committed = settled(client.query('commit'))
    const answers = await Promise.all([begun, committed, ...sent])
    client.off('error', deps.onLost)

    const failures = answers.filter((each) => each instanceof Failure)
    const isOver = (await begun) instanceof Failure || (await committed) instanceof Failure
    const final = failures.find((each) => isOver || isFinal(each.cause))
    client.release(final !== undefined)
    if (final !== undefined) reject(group, final.cause)
    else if (failures.length === 0) {
      for (const [at, each] of group.entries()) each.resolve(rowsOf(answers[at + 2]))
    }
    return final !== undefined || failures.length === 0
  }

  return {
    rows: (statement) =>
      new Promise((resolve, reject) => {
        waiting.push({ statement, resolve, reject })
        beginNext()
      }),
    close: () => pool.end(),
  }
}

class Failure {
  readonly cause: unknown
  constructor(cause: unknown) {
    this.cause = cause
  }
}

function settled(answer: Promise<pg.QueryResult>): Promise<pg.QueryResult | Failure> {
  return answer.catch((cause: unknown) => new Failure(cause))
}

function rowsOf(answer: pg.QueryResult | Failure | undefined): unknown[] {
  return answer instanceof Failure ? [] : (answer?.rows ?? [])
}

function reject(group: readonly Waiting[], err: unknown): undefined {
  for (const each of group) each.reject(err)
}
