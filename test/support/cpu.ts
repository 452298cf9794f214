import { readdir, readFile } from 'node:fs/promises'

/** Linux counts a process's time in hundredths of a second, whatever its own clock does. */
const msPerTick = 10

/** Milliseconds of CPU that a process, its children and its ended children have used so far. */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name in brackets may hold anything, so counting starts behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0)
  const children = await Promise.all((await childrenOf(pid)).map((child) => cpuMsOf(child)))
  return ticks * msPerTick + children.reduce((sum, each) => sum + each, 0)
}

/** The process and everything that it has started. */
export async function treeOf(pid: number): Promise<number[]> {
  const below = await Promise.all((await childrenOf(pid)).map((child) => treeOf(child)))
  return [pid, ...below.flat()]
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  )
  return lists.flatMap((list) => list.trim().split(' ').filter(Boolean).map(Number))
}

/** Open files, sockets and pipes of the process itself. */
export async function openFilesOf(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length
}
