import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import {
  type Certification,
  createCertification,
} from '../../../src/certification/certification.ts'
import type { GuidedForm } from '../../../src/certification/certifier.ts'
import type { CertificationProvider } from '../../../src/certification/ports.ts'
import type { CertifierId, ReviewId, VirtualNumber } from '../../../src/domain/ids.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { mainAccount, person, testVault, xAt } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { straightInto } from '../../support/straight-in.ts'

export const accountId = mainAccount
export const day = 86_400_000

export const refused = (code: string) => expect.objectContaining({ code })

export const ofList = (numbers: readonly VirtualNumber[], at = 1) => ({
  accountId,
  phone: person(at),
  numbers: { of: 'list', numbers } as const,
})

export const formOf = (at = 1): GuidedForm => ({
  phone: person(at),
  name: '张三',
  documentEnd: '123X',
})

export const tokenIn = (url: string) => new URL(url).pathname.split('/').at(-1) ?? ''

/** The room on a database of the file's own, with a clock that the test turns. */
export function aRoom() {
  let database: TestDatabase
  let straight: ReturnType<typeof straightInto>
  let room: Certification
  let now: Date
  let used = 0

  beforeAll(async () => {
    database = await createTestDatabase({ poolMax: 20 })
    straight = straightInto(database.sql)
    await straight.rows(`insert into account (id, name) values ('other', 'Somebody else')`)
  })
  afterAll(async () => {
    await database.drop()
  })
  beforeEach(() => {
    now = new Date('2030-01-31T08:00:00Z')
    room = roomWith()
  })

  function roomWith(provider?: CertificationProvider): Certification {
    return createCertification({
      sql: database.sql,
      vault: testVault,
      clock: { now: () => now },
      log: createLogger({ level: 'silent' }),
      publicUrl: 'https://privacy.example.com/axb/',
      ...(provider === undefined ? {} : { provider }),
    })
  }

  const rows: ReturnType<typeof straightInto>['rows'] = (text, values) =>
    straight.rows(text, values)

  async function newestReview(): Promise<ReviewId> {
    const [row] = await rows<{ id: ReviewId }>(
      'select id from certification_review order by id desc limit 1',
    )
    if (row === undefined) throw new Error('there is no review')
    return row.id
  }

  return {
    get room() {
      return room
    },
    get sql() {
      return database.sql
    },
    roomWith,
    rows,
    aPool: ((numbers, given) => straight.aPool(numbers, given)) as typeof straight.aPool,
    now: () => now,
    after(ms: number) {
      now = new Date(now.getTime() + ms)
    },
    /** X numbers that nobody has used yet. */
    some(count: number): VirtualNumber[] {
      used += count
      return Array.from({ length: count }, (_, at) => xAt(5000 + used - count + at))
    },
    /** The review that was opened last. */
    newestReview,
    async certifiedOf(numbers: readonly VirtualNumber[]): Promise<boolean[]> {
      const found = await rows<{ certified: boolean }>(
        'select certified from number where x = any($1) order by x',
        [numbers],
      )
      return found.map(({ certified }) => certified)
    },
    /** An entry whose page was filled in. */
    async submitted(
      numbers: readonly VirtualNumber[],
      at = 1,
    ): Promise<{ id: CertifierId; token: string; review: ReviewId }> {
      const added = await room.certifiers.add(ofList(numbers, at))
      const token = tokenIn(added.link.url)
      const outcome = await room.guided.submit(token, formOf(at))
      expect(outcome).toMatchObject({ result: 'accepted' })
      return { id: added.certifier.id, token, review: await newestReview() }
    },
  }
}
