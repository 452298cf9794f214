import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { takeJournalLock } from '../../../src/cdr/journal-lock.ts'

describe('the lock of the journal', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'axb-lock-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  async function leave(holder: object | string, touchedMsAgo: number): Promise<Date> {
    const path = join(dir, 'lock')
    const text = typeof holder === 'string' ? holder : JSON.stringify({ ...holder, nonce: 'old' })
    await writeFile(path, text)
    const touchedAt = new Date(Date.now() - touchedMsAgo)
    await utimes(path, touchedAt, touchedAt)
    return touchedAt
  }

  test('is held by one, and free again when it is given back', async () => {
    const lock = await takeJournalLock(dir)
    expect(lock.lastAliveAt).toBeUndefined()
    await expect(takeJournalLock(dir)).rejects.toMatchObject({ code: 'journal-in-use' })
    await lock.release()
    await (await takeJournalLock(dir)).release()
    expect(await readdir(dir)).toEqual([])
  })

  test('of a process that is gone is taken over, and tells when it was last alive', async () => {
    // No process has this id: it is beyond what Linux gives out.
    const left = { pid: 4_194_305, startedTicks: '1', host: hostname() }
    const touchedAt = await leave(left, 60_000)
    expect((await takeJournalLock(dir)).lastAliveAt).toEqual(touchedAt)
  })

  test('of an earlier process with the id of one that runs is taken over', async () => {
    await leave({ pid: process.pid, startedTicks: '1', host: hostname() }, 0)
    await expect(takeJournalLock(dir)).resolves.toBeDefined()
  })

  test('that is torn is taken over', async () => {
    await leave('{"pid":', 0)
    await expect(takeJournalLock(dir)).resolves.toBeDefined()
  })

  test('of another host is taken over once it is not touched any more', async () => {
    await leave({ pid: 1, startedTicks: '1', host: 'elsewhere' }, 14_600)
    await expect(takeJournalLock(dir)).resolves.toBeDefined()
  })

  test('of another host that lives is left to it', async () => {
    await leave({ pid: 1, startedTicks: '1', host: 'elsewhere' }, 0)
    const touching = setInterval(() => {
      const now = new Date()
      utimes(join(dir, 'lock'), now, now).catch(() => undefined)
    }, 50)
    try {
      await expect(takeJournalLock(dir)).rejects.toMatchObject({ code: 'journal-in-use' })
    } finally {
      clearInterval(touching)
    }
  })

  test('goes to one of many who find it stale', async () => {
    for (let round = 0; round < 20; round++) {
      await leave({ pid: 4_194_305, startedTicks: String(round), host: hostname() }, 60_000)
      const takers = await Promise.allSettled(Array.from({ length: 8 }, () => takeJournalLock(dir)))
      const held = takers.filter((each) => each.status === 'fulfilled')
      expect(held).toHaveLength(1)
      for (const { value } of held) await value.release()
    }
    expect(await readdir(dir)).toEqual([])
  })

  test('passes over a successor that died before it had it', async () => {
    const dead = { pid: 4_194_305, startedTicks: '1', host: hostname() }
    await leave(dead, 60_000)
    const text = JSON.stringify({ ...dead, nonce: 'old' })
    const name = createHash('sha256').update(text).digest('hex').slice(0, 16)
    await writeFile(join(dir, `lock.after-${name}`), JSON.stringify({ ...dead, nonce: 'next' }))
    const lock = await takeJournalLock(dir)
    await lock.release()
    expect(await readdir(dir)).toEqual([])
  })
})
