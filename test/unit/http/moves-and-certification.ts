import type {
  CertificationReview,
  Certifier,
  GuidedView,
} from '../../../src/certification/certifier.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type {
  AccountId,
  CertifierId,
  MigrationId,
  PoolKey,
  ReviewId,
  VirtualNumber,
} from '../../../src/domain/ids.ts'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { V1Rooms } from '../../../src/http/v1/v1-routes.ts'
import type { NumberMigration, NumberMove } from '../../../src/numbers/number-migration.ts'

const account = 'main' as AccountId
const poolKey = 'FC100000000000001' as PoolKey
const x = '+8617012345678' as VirtualNumber
/** Of the one link that is open in the usual rooms. */
export const aLinkToken = 'L'.repeat(43)

/** Rooms in memory that know one of everything. */
export function moveRooms(): Pick<V1Rooms, 'numberMigrations' | 'certification'> {
  const unknown = (what: string) => new DomainError(`${what}-unknown`, 404, 'There is none.')
  const known = async <T extends { id: string }>(thing: T, id: string): Promise<T> => {
    if (id !== thing.id) throw unknown('thing')
    return thing
  }
  const link = {
    url: `https://privacy.example.com/certify/${aLinkToken}`,
    expiresAt: new Date('2030-03-01T02:00:00Z'),
  }
  const withLink = async (certifier: Certifier) => ({ certifier, link })
  return {
    numberMigrations: {
      run: async () => ({ migration: aMigration(), moves: someMoves }),
      get: (_account, id) => known(aMigration(), id),
      list: async () => ({ items: [aMigration()], nextCursor: undefined }),
      moves: async () => ({ items: someMoves, nextCursor: undefined }),
    },
    certification: {
      certifiers: {
        add: ({ phone, remark }) => withLink(aCertifier({ phone, remark })),
        get: (_account, id) => known(aCertifier(), id),
        list: async () => ({ items: [aCertifier()], nextCursor: undefined }),
        numbers: async () => ({
          items: [{ x, poolKey, city: '杭州', certified: true }],
          nextCursor: undefined,
        }),
        renewLink: async (_account, id) => withLink(await known(aCertifier(), id)),
        remove: async (_account, id) => void (await known(aCertifier(), id)),
        ending: async () => [],
      },
      guided: {
        open: async (token) => (token === aLinkToken ? aForm() : undefined),
        submit: async () => ({ result: 'accepted', continueAt: undefined }),
      },
      reviews: {
        list: async () => ({ items: [aReview()], nextCursor: undefined }),
        get: async (id) => ({
          ...(await known(aReview(), id)),
          person: { phone: phoneOf('+8613812340001'), name: '张三', documentEnd: '123X' },
        }),
        approve: async (id, validUntil) => ({
          ...(await known(aReview(), id)),
          ...{ state: 'approved', validUntil, decidedAt: new Date('2030-01-31T00:00:00Z') },
        }),
        refuse: async (id, reason) => ({
          ...(await known(aReview(), id)),
          ...{ state: 'refused', reason, decidedAt: new Date('2030-01-31T00:00:00Z') },
        }),
      },
    },
  }
}

const phoneOf = (text: string) => PhoneNumber.fromE164(text) as PhoneNumber

function aMigration(): NumberMigration {
  return {
    id: '1000000001' as MigrationId,
    accountId: account,
    from: { key: poolKey, name: 'Couriers' },
    to: { key: 'FC100000000000002' as PoolKey, name: 'Drivers' },
    product: 'AXB',
    selectedBy: 'list',
    city: undefined,
    asked: 2,
    succeeded: 1,
    createdAt: new Date('2030-01-30T02:00:00Z'),
  }
}

const someMoves: readonly NumberMove[] = [
  { x, city: '杭州', outcome: 'moved' },
  { x: '+8617012345679' as VirtualNumber, city: undefined, outcome: 'bound' },
]

function aCertifier(given: Partial<Certifier> = {}): Certifier {
  return {
    id: '1000000001' as CertifierId,
    accountId: account,
    phone: phoneOf('+8613812340001'),
    remark: undefined,
    poolKey,
    numbers: 7,
    check: 'waiting',
    refusal: undefined,
    linkExpiresAt: new Date('2030-03-01T02:00:00Z'),
    submittedAt: undefined,
    decidedAt: undefined,
    certified: false,
    certifiedUntil: undefined,
    createdAt: new Date('2030-01-30T02:00:00Z'),
    ...given,
  }
}

export function aForm(): Extract<GuidedView, { state: 'form' }> {
  return { state: 'form', accountName: 'Main account', numbers: 7, someNumbers: [x] }
}

function aReview(): CertificationReview {
  return {
    id: '1000000001' as ReviewId,
    accountId: account,
    accountName: 'Main account',
    numbers: 7,
    state: 'pending',
    reason: undefined,
    validUntil: undefined,
    createdAt: new Date('2030-01-30T02:00:00Z'),
    decidedAt: undefined,
  }
}
