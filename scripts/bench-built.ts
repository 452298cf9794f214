/** What is shipped is what is measured: the compiled modules, not their sources. */
const load = <Module>(file: string) =>
  import(new URL(`../dist/${file}`, import.meta.url).href) as Promise<Module>

export const built = {
  embedded: () =>
    load<typeof import('../src/embedded/start-embedded.ts')>('embedded/start-embedded.js'),
  logger: () => load<typeof import('../src/platform/logger.ts')>('platform/logger.js'),
  callJournal: () => load<typeof import('../src/cdr/call-journal.ts')>('cdr/call-journal.js'),
  callRecordWriter: () =>
    load<typeof import('../src/cdr/call-record-writer.ts')>('cdr/call-record-writer.js'),
  storedEvent: () => load<typeof import('../src/cdr/stored-event.ts')>('cdr/stored-event.js'),
  redis: () => load<typeof import('../src/platform/redis.ts')>('platform/redis.js'),
  sql: () => load<typeof import('../src/platform/sql.ts')>('platform/sql.js'),
  vault: () => load<typeof import('../src/platform/vault.ts')>('platform/vault.js'),
  phoneNumbers: () =>
    load<typeof import('../src/platform/phone-numbers.ts')>('platform/phone-numbers.js'),
  phoneNumber: () => load<typeof import('../src/domain/phone-number.ts')>('domain/phone-number.js'),
  published: () => load<typeof import('../src/bindings/published.ts')>('bindings/published.js'),
  routeCache: () => load<typeof import('../src/resolve/route-cache.ts')>('resolve/route-cache.js'),
  cacheTrust: () => load<typeof import('../src/resolve/cache-trust.ts')>('resolve/cache-trust.js'),
  resolveRoute: () =>
    load<typeof import('../src/resolve/resolve-route.ts')>('resolve/resolve-route.js'),
}
