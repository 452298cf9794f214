import type { FastifyPluginAsync } from 'fastify'
import type { Accounts } from '../../accounts/accounts.ts'
import type { Audit } from '../../accounts/audit.ts'
import type { Balances } from '../../accounts/balances.ts'
import type { Tokens } from '../../accounts/tokens.ts'
import type { Alarms } from '../../alarms/alarms.ts'
import type { Bindings } from '../../bindings/bindings.ts'
import type { CallRecords } from '../../cdr/call-records.ts'
import type { Certification } from '../../certification/certification.ts'
import type { Blacklist } from '../../numbers/blacklist.ts'
import type { Cities } from '../../numbers/cities.ts'
import type { Groups } from '../../numbers/groups.ts'
import type { Inventory } from '../../numbers/inventory.ts'
import type { NumberMigrations } from '../../numbers/number-migrations.ts'
import type { Numbers } from '../../numbers/numbers.ts'
import type { Orders } from '../../numbers/orders.ts'
import type { Pools } from '../../numbers/pools.ts'
import type { StockLeft } from '../../numbers/remaining.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import type { Deliveries } from '../../receipts/deliveries.ts'
import type { KafkaRoutes } from '../../receipts/kafka-routes.ts'
import type { PushRoutes } from '../../receipts/push-routes.ts'
import type { QueueRoutes } from '../../receipts/routes.ts'
import type { Simulate } from '../../route/simulate.ts'
import { accessKeyRoutes, type ShownAccessKeys } from './access-keys.ts'
import { accountRoutes } from './accounts.ts'
import { alarmRoutes } from './alarms.ts'
import { auditRoutes } from './audit.ts'
import { balanceRoutes } from './balances.ts'
import { bindingRoutes } from './bindings.ts'
import { blockedCallerRoutes } from './blocked-callers.ts'
import { blockedPairRoutes } from './blocked-pairs.ts'
import { callRoutes } from './calls.ts'
import { certificationReviewRoutes } from './certification-reviews.ts'
import { certifierRoutes } from './certifiers.ts'
import { cityRoutes } from './cities.ts'
import { groupRoutes } from './groups.ts'
import { inventoryRoutes } from './inventory.ts'
import { numberMigrationRoutes } from './number-migrations.ts'
import { numberRoutes } from './numbers.ts'
import { orderRoutes } from './orders.ts'
import { poolRoutes } from './pools.ts'
import { receiptDeliveryRoutes } from './receipt-deliveries.ts'
import { receiptKafkaRoutes } from './receipt-kafka.ts'
import { receiptPushRoutes } from './receipt-pushes.ts'
import { receiptQueueRoutes } from './receipt-queues.ts'
import { revealRoutes } from './reveal.ts'
import { simulateRoutes } from './simulate.ts'
import { tokenRoutes } from './tokens.ts'
import { type ShownTrunks, trunkRoutes } from './trunks.ts'

/** What `/v1` shows. */
export type V1Rooms = {
  readonly bindings: Bindings
  readonly pools: Pools
  readonly blacklist: Blacklist
  readonly groups: Groups
  readonly alarms: Alarms
  readonly numbers: Numbers
  readonly cities: Pick<Cities, 'list' | 'knownCity'>
  readonly stockLeft: StockLeft
  readonly inventory: Inventory
  readonly orders: Orders
  readonly numberMigrations: NumberMigrations
  readonly certification: Omit<Certification, 'keeper'>
  readonly trunks: ShownTrunks
  readonly callRecords: CallRecords
  readonly simulate: Simulate
  readonly queueRoutes: QueueRoutes
  readonly pushRoutes: PushRoutes
  readonly kafkaRoutes: KafkaRoutes
  readonly deliveries: Deliveries
  readonly accounts: Accounts
  readonly balances: Balances
  readonly tokens: Tokens
  readonly accessKeys: ShownAccessKeys
  readonly audit: Audit
  readonly parser: NumberParser
}

/** Each noun is handed only what it shows. */
export const v1Routes: FastifyPluginAsync<V1Rooms> = async (app, rooms) => {
  const { bindings, pools, numbers, trunks, callRecords, parser } = rooms
  const { numberMigrations, certification } = rooms
  const { accounts, tokens, accessKeys, audit } = rooms
  await app.register(bindingRoutes, { bindings, parser })
  await app.register(poolRoutes, { pools })
  await app.register(blockedCallerRoutes, { blacklist: rooms.blacklist, parser })
  await app.register(blockedPairRoutes, { blacklist: rooms.blacklist, parser })
  await app.register(groupRoutes, { groups: rooms.groups, parser })
  await app.register(alarmRoutes, { alarms: rooms.alarms })
  await app.register(numberRoutes, { numbers, parser })
  await app.register(cityRoutes, { cities: rooms.cities, stockLeft: rooms.stockLeft })
  await app.register(inventoryRoutes, { inventory: rooms.inventory, parser })
  await app.register(orderRoutes, { orders: rooms.orders })
  await app.register(numberMigrationRoutes, { numberMigrations, parser })
  await app.register(certifierRoutes, { certifiers: certification.certifiers, parser })
  await app.register(certificationReviewRoutes, { reviews: certification.reviews, audit })
  await app.register(trunkRoutes, { trunks })
  await app.register(callRoutes, { callRecords, parser })
  await app.register(simulateRoutes, { simulate: rooms.simulate, parser })
  await app.register(receiptQueueRoutes, { queueRoutes: rooms.queueRoutes })
  await app.register(receiptPushRoutes, { pushRoutes: rooms.pushRoutes })
  await app.register(receiptKafkaRoutes, { kafkaRoutes: rooms.kafkaRoutes })
  await app.register(receiptDeliveryRoutes, { deliveries: rooms.deliveries })
  await app.register(accountRoutes, { accounts })
  await app.register(balanceRoutes, { balances: rooms.balances })
  await app.register(tokenRoutes, { tokens })
  await app.register(accessKeyRoutes, { accessKeys })
  await app.register(auditRoutes, { audit })
  await app.register(revealRoutes, { bindings, callRecords, groups: rooms.groups, audit })
}
