import type { Things } from './two-accounts.ts'

/**
 * How each operation of /v1 is aimed at somebody's things. A new route fails
 * test/integration/http/every-route.test.ts until it has a line here: what is asked, with the ids
 * of `Things` (test/support/two-accounts.ts makes one of everything for an account: add what is new).
 */
export type Recipe = {
  /** Path with query, without /v1. */
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  /** Names nobody's things in particular: everybody may ask it, and sees or makes only his own. */
  readonly ownOnly?: boolean
  /** Its answer is other every time, such as one that tells of last uses. */
  readonly changing?: boolean
  /** An operator's, and what it is about is not made by these tests: nothing is found. */
  readonly absent?: boolean
}

const enc = encodeURIComponent
const group = ({ groupPoolKey, groupId }: Things) => `/pools/${groupPoolKey}/groups/${groupId}`
const inAnHour = () => new Date(Date.now() + 3_600_000)

/** In the order in which the owner does them: what destroys comes last. */
export const recipes: Readonly<Record<string, (things: Things) => Recipe>> = {
  // What is read.
  getOwnAccount: () => ({ path: '/account', ownOnly: true }),
  getBalance: () => ({ path: '/balance', ownOnly: true }),
  listBalanceChanges: () => ({ path: '/balance-changes', ownOnly: true }),
  listPools: () => ({ path: '/pools', ownOnly: true }),
  listProducts: () => ({ path: '/products', ownOnly: true }),
  getPool: ({ poolKey }) => ({ path: `/pools/${poolKey}` }),
  listNumbers: ({ poolKey }) => ({ path: `/numbers?poolKey=${poolKey}` }),
  getNumberTotals: ({ poolKey }) => ({ path: `/numbers/totals?poolKey=${poolKey}` }),
  getNumber: ({ x }) => ({ path: `/numbers/${enc(x)}` }),
  listCities: () => ({ path: '/cities', ownOnly: true, changing: true }),
  listBindings: ({ poolKey }) => ({ path: `/bindings?poolKey=${poolKey}` }),
  getBinding: ({ bindingId }) => ({ path: `/bindings/${bindingId}` }),
  searchBindings: ({ poolKey }) => ({
    path: '/bindings/search',
    body: { poolKey, phone: '13800009001' },
  }),
  revealBinding: ({ bindingId }) => ({ path: `/bindings/${bindingId}/numbers` }),
  listCalls: ({ bindingId }) => ({ path: `/calls?bindingId=${bindingId}` }),
  getCall: ({ callId }) => ({ path: `/calls/${callId}` }),
  revealCall: ({ callId }) => ({ path: `/calls/${callId}/numbers` }),
  simulateCall: ({ x }) => ({
    path: '/simulate',
    body: { caller: '13800009041', x, at: '2030-01-30T02:00:00Z' },
  }),
  listOrders: ({ poolKey }) => ({ path: `/orders?poolKey=${poolKey}` }),
  getOrder: ({ orderId }) => ({ path: `/orders/${orderId}` }),
  listNumberMigrations: ({ poolKey }) => ({ path: `/number-migrations?fromPoolKey=${poolKey}` }),
  getNumberMigration: ({ migrationId }) => ({ path: `/number-migrations/${migrationId}` }),
  listMovedNumbers: ({ migrationId }) => ({ path: `/number-migrations/${migrationId}/numbers` }),
  listCertifiers: ({ freeX }) => ({ path: `/certifiers?x=${enc(freeX)}` }),
  getCertifier: ({ certifierId }) => ({ path: `/certifiers/${certifierId}` }),
  listCertifierNumbers: ({ certifierId }) => ({ path: `/certifiers/${certifierId}/numbers` }),
  listGroups: ({ groupPoolKey }) => ({ path: `/pools/${groupPoolKey}/groups` }),
  searchGroups: ({ groupPoolKey }) => ({
    path: `/pools/${groupPoolKey}/groups/search`,
    body: { number: '13800009021' },
  }),
  getGroup: (things) => ({ path: group(things) }),
  listGroupMembers: (things) => ({ path: `${group(things)}/members` }),
  searchGroupMembers: (things) => ({
    path: `${group(things)}/members/search`,
    body: { number: '13800009021' },
  }),
  revealGroup: (things) => ({ path: `${group(things)}/numbers` }),
  listBlockedCallers: ({ otherPoolKey }) => ({ path: `/pools/${otherPoolKey}/blocked-callers` }),
  searchBlockedCallers: ({ otherPoolKey }) => ({
    path: `/pools/${otherPoolKey}/blocked-callers/search`,
    body: { number: '13800009031' },
  }),
  listBlockedPairs: ({ otherPoolKey }) => ({ path: `/pools/${otherPoolKey}/blocked-pairs` }),
  searchBlockedPairs: ({ otherPoolKey }) => ({
    path: `/pools/${otherPoolKey}/blocked-pairs/search`,
    body: { number: '13800009032' },
  }),
  listAlarms: ({ poolKey }) => ({ path: `/alarms?poolKey=${poolKey}` }),
  listReceiptQueues: () => ({ path: '/receipts/queues', ownOnly: true }),
  getReceiptQueue: ({ queueName }) => ({ path: `/receipts/queues/${queueName}` }),
  listReceiptPushes: () => ({ path: '/receipts/pushes', ownOnly: true }),
  getReceiptPush: () => ({ path: '/receipts/pushes/SecretReport', ownOnly: true }),
  listReceiptKafka: () => ({ path: '/receipts/kafka', ownOnly: true }),
  getReceiptKafka: () => ({ path: '/receipts/kafka/SecretReport', ownOnly: true }),
  listReceiptDeliveries: () => ({ path: '/receipts/deliveries', ownOnly: true }),
  listTokens: () => ({ path: '/tokens', ownOnly: true, changing: true }),
  getToken: ({ tokenId }) => ({ path: `/tokens/${tokenId}`, changing: true }),
  listAccessKeys: () => ({ path: '/access-keys', ownOnly: true }),
  getAccessKey: ({ keyId }) => ({ path: `/access-keys/${keyId}` }),
  listAudit: ({ accountId }) => ({ path: `/audit?accountId=${accountId}`, changing: true }),

  // What is changed.
  createPool: () => ({ path: '/pools', body: { name: 'one more', product: 'AXN' }, ownOnly: true }),
  changePool: ({ poolKey }) => ({ path: `/pools/${poolKey}`, body: { name: 'renamed' } }),
  addNumbers: ({ poolKey, accountId }) => ({
    path: '/numbers',
    body: { accountId, poolKey, numbers: [`1701900000${accountId.length}`] },
  }),
  updateNumber: ({ x }) => ({ path: `/numbers/${enc(x)}`, body: { note: 'changed' } }),
  lockNumber: ({ x }) => ({ path: `/numbers/${enc(x)}/lock` }),
  unlockNumber: ({ x }) => ({ path: `/numbers/${enc(x)}/unlock` }),
  createBinding: ({ poolKey, x }) => ({
    path: '/bindings',
    body: { poolKey, x, phoneA: '13800009001', phoneB: '13900009002', expiresAt: inAnHour() },
  }),
  updateBinding: ({ bindingId }) => ({ path: `/bindings/${bindingId}`, body: { recording: true } }),
  createBindings: ({ poolKey, x }) => ({
    path: '/bindings/bulk',
    body: {
      items: [{ poolKey, x, phoneA: '13800009011', phoneB: '13900009012', expiresAt: inAnHour() }],
    },
  }),
  quoteOrder: ({ poolKey, city }) => ({
    path: '/orders/quote',
    body: { poolKey, class: 1, city, quantity: 1 },
  }),
  placeOrder: ({ poolKey, city }) => ({
    path: '/orders',
    body: { poolKey, class: 1, city, quantity: 1 },
  }),
  migrateNumbers: ({ poolKey, otherPoolKey }) => ({
    path: '/number-migrations',
    body: { fromPoolKey: poolKey, toPoolKey: otherPoolKey, count: 1 },
  }),
  createCertifier: ({ poolKey }) => ({
    path: '/certifiers',
    body: { phone: '13800009003', poolKey },
  }),
  renewCertifierLink: ({ certifierId }) => ({ path: `/certifiers/${certifierId}/links` }),
  createGroup: ({ groupPoolKey }) => ({
    path: `/pools/${groupPoolKey}/groups`,
    body: { name: 'one more', numbers: ['13800009022'] },
  }),
  changeGroup: (things) => ({ path: group(things), body: { name: 'renamed' } }),
  addGroupMembers: (things) => ({
    path: `${group(things)}/members`,
    body: { numbers: ['13800009023'] },
  }),
  removeGroupMembers: (things) => ({
    path: `${group(things)}/members/remove`,
    body: { numbers: ['13800009023'] },
  }),
  overwriteGroupMembers: (things) => ({
    path: `${group(things)}/members`,
    body: { numbers: ['13800009024'] },
  }),
  blockCaller: ({ otherPoolKey }) => ({
    path: `/pools/${otherPoolKey}/blocked-callers`,
    body: { number: '13800009033' },
  }),
  unblockCallerByNumber: ({ otherPoolKey }) => ({
    path: `/pools/${otherPoolKey}/blocked-callers/remove`,
    body: { number: '13800009033' },
  }),
  blockPair: ({ otherPoolKey }) => ({
    path: `/pools/${otherPoolKey}/blocked-pairs`,
    body: { first: '13800009034', second: '13900009034' },
  }),
  unblockPairByNumbers: ({ otherPoolKey }) => ({
    path: `/pools/${otherPoolKey}/blocked-pairs/remove`,
    body: { first: '13800009034', second: '13900009034' },
  }),
  createReceiptQueue: ({ poolKey }) => ({
    path: '/receipts/queues',
    body: { type: 'SecretRingReport', suffix: '2', poolKeys: [poolKey] },
  }),
  changeReceiptQueue: ({ queueName }) => ({
    path: `/receipts/queues/${queueName}`,
    body: { visibilitySeconds: 60 },
  }),
  putReceiptPush: () => ({
    path: '/receipts/pushes/SecretReport',
    body: { url: 'https://receipts.example.invalid/', enabled: false },
    ownOnly: true,
  }),
  rotateReceiptPush: () => ({
    path: '/receipts/pushes/SecretReport/rotate',
    body: {},
    ownOnly: true,
  }),
  testReceiptPush: () => ({ path: '/receipts/pushes/SecretReport/test', ownOnly: true }),
  putReceiptKafka: () => ({
    path: '/receipts/kafka/SecretReport',
    body: { enabled: false },
    ownOnly: true,
  }),
  testReceiptKafka: () => ({ path: '/receipts/kafka/SecretReport/test', ownOnly: true }),
  resendReceipts: ({ receiptId }) => ({
    path: '/receipts/deliveries/resend',
    body: { ids: [receiptId] },
  }),
  replayReceipts: ({ queueName }) => ({
    path: '/receipts/replay',
    body: { type: 'SecretReport', since: '2030-01-30T02:00:00Z', queue: queueName },
  }),
  createToken: ({ accountId }) => ({
    path: '/tokens',
    body: { name: 'test', scopes: ['read'], accountId },
  }),
  createAccessKey: ({ accountId }) => ({
    path: '/access-keys',
    body: { name: 'test', scopes: ['read'], accountId },
  }),
  rotateAccessKey: ({ keyId }) => ({ path: `/access-keys/${keyId}/rotate`, body: {} }),
  disableAccessKey: ({ keyId }) => ({ path: `/access-keys/${keyId}/disable` }),
  enableAccessKey: ({ keyId }) => ({ path: `/access-keys/${keyId}/enable` }),

  // The operator's.
  createAccount: () => ({ path: '/accounts', body: { id: 'one-more', name: 'One more' } }),
  listAccounts: () => ({ path: '/accounts' }),
  getAccount: ({ accountId }) => ({ path: `/accounts/${accountId}` }),
  changeBalance: ({ accountId }) => ({
    path: `/accounts/${accountId}/balance-changes`,
    body: { amount: '1000000', note: 'for tests' },
  }),
  renameAccount: ({ accountId }) => ({ path: `/accounts/${accountId}`, body: { name: 'Other' } }),
  suspendAccount: ({ accountId }) => ({ path: `/accounts/${accountId}/suspend` }),
  resumeAccount: ({ accountId }) => ({ path: `/accounts/${accountId}/resume` }),
  freezeNumber: ({ x }) => ({ path: `/numbers/${enc(x)}/freeze` }),
  faultNumber: ({ x }) => ({ path: `/numbers/${enc(x)}/fault` }),
  resumeNumber: ({ x }) => ({ path: `/numbers/${enc(x)}/resume` }),
  importInventory: () => ({
    path: '/inventory/imports',
    body: 'number,class,city\n17008000001,1,杭州\n',
    contentType: 'text/csv',
  }),
  listInventory: () => ({ path: '/inventory' }),
  countInventory: () => ({ path: '/inventory/counts' }),
  deleteFromInventory: () => ({ path: `/inventory/${enc('+8617008000001')}` }),
  listCertificationReviews: () => ({ path: '/certification-reviews' }),
  getCertificationReview: () => ({ path: '/certification-reviews/1', absent: true }),
  approveCertification: () => ({
    path: '/certification-reviews/1/approve',
    body: {},
    absent: true,
  }),
  refuseCertification: () => ({
    path: '/certification-reviews/1/refuse',
    body: { reason: 'test' },
    absent: true,
  }),
  listTrunks: () => ({ path: '/trunks' }),
  createTrunk: () => ({
    path: '/trunks',
    body: { id: 'one-more', host: '203.0.113.10', addresses: ['203.0.113.10'] },
  }),
  changeTrunk: () => ({ path: '/trunks/one-more', body: { optionsSeconds: 0 } }),
  deleteTrunk: () => ({ path: '/trunks/one-more' }),

  // What goes.
  deleteReceiptQueue: ({ queueName }) => ({ path: `/receipts/queues/${queueName}?discard=true` }),
  deleteReceiptKafka: () => ({
    path: '/receipts/kafka/SecretReport?discard=true',
    ownOnly: true,
  }),
  deleteReceiptPush: () => ({
    path: '/receipts/pushes/SecretReport?discard=true',
    ownOnly: true,
  }),
  deleteBindings: ({ bindingId, poolKey }) => ({
    path: '/bindings/bulk-unbind',
    body: { items: [{ id: bindingId, poolKey }] },
  }),
  deleteBinding: ({ secondBindingId }) => ({ path: `/bindings/${secondBindingId}` }),
  deleteGroup: (things) => ({ path: group(things) }),
  unblockCaller: ({ otherPoolKey, blockedCallerId }) => ({
    path: `/pools/${otherPoolKey}/blocked-callers/${blockedCallerId}`,
  }),
  unblockPair: ({ otherPoolKey, blockedPairId }) => ({
    path: `/pools/${otherPoolKey}/blocked-pairs/${blockedPairId}`,
  }),
  deleteCertifier: ({ certifierId }) => ({ path: `/certifiers/${certifierId}` }),
  deleteNumber: ({ freeX }) => ({ path: `/numbers/${enc(freeX)}` }),
  restoreToInventory: ({ freeX }) => ({ path: `/inventory/${enc(freeX)}/restore` }),
  deleteAccessKey: ({ keyId }) => ({ path: `/access-keys/${keyId}` }),
  revokeToken: ({ tokenId }) => ({ path: `/tokens/${tokenId}` }),
}
