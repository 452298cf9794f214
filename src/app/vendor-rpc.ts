import type { AccountRooms } from '../accounts/account-rooms.ts'
import { createWaybills } from '../bindings/waybills.ts'
import type { AccountId } from '../domain/ids.ts'
import { createUseNonce } from '../http/rpc/nonces.ts'
import type { RpcJoin } from '../http/rpc/rpc-deps.ts'
import { systemClock } from '../platform/clock.ts'
import { createQueueTokens } from '../receipts/queue-tokens.ts'
import type { Shared } from './shared.ts'

/** What the vendor's RPC API stands on. Makes the access key of the environment, if there is one. */
export async function joinVendorRpc(
  { settings, sql, redis, vault, log }: Shared,
  { accessKeys, keyLookup }: Pick<AccountRooms, 'accessKeys' | 'keyLookup'>,
  account: AccountId,
): Promise<RpcJoin> {
  const { AXBRIDGE_ACCESS_KEY_ID: id, AXBRIDGE_ACCESS_KEY_SECRET: secret } = settings
  if (id !== undefined && secret !== undefined) {
    // Without Postgres there is no key to be had at all, and nothing to be done with one.
    await accessKeys.adopt(account, { id, secret }).catch((err: unknown) => {
      log.error({ err }, 'the access key of the environment could not be made')
    })
  }
  return {
    keys: keyLookup,
    useNonce: createUseNonce(redis),
    echoesExactly: settings.RPC_ECHO === 'exact',
    rooms: {
      waybills: createWaybills({ sql, vault, clock: systemClock }),
      queueTokens: createQueueTokens({ sql, vault, clock: systemClock }),
      // Rooms of their own will answer these; until then there is nothing of the kind.
      recordings: { downloadUrl: nothing, publicUrls: nothing },
      transcripts: { get: nothing },
      messages: { confirm: async () => false },
    },
  }
}

const nothing = async () => undefined
