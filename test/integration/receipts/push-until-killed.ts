import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createSql } from '../../../src/platform/sql.ts'
import { createPush } from '../../../src/receipts/push.ts'
import { createPushPost } from '../../../src/receipts/push-post.ts'
import { testVault } from '../../support/data-rooms.ts'

/** A worker for the tests: pushes until it is killed. */
async function pushUntilKilled(databaseUrl: string): Promise<never> {
  const log = createLogger({ level: 'silent' })
  const sql = createSql({ url: databaseUrl, log })
  const push = createPush({
    ...{ sql, vault: testVault, clock: systemClock, log },
    post: createPushPost({ privateHosts: true }),
    counts: { tried: () => undefined, delivered: () => undefined },
    onMore: () => undefined,
  })
  for (;;) {
    await push.step()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const [, , databaseUrl = ''] = process.argv
await pushUntilKilled(databaseUrl)
