import { DomainError } from '../domain/errors.ts'

export const extraQueuesMax = 10

export const queueUnknown = () =>
  new DomainError('queue-unknown', 404, 'There is no receipt queue with this name.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export const queueTaken = () =>
  new DomainError(
    'queue-exists',
    409,
    'There is a queue with this name already. Change it, or use another suffix.',
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )

export const queuesTooMany = () =>
  new DomainError(
    'queues-too-many',
    409,
    `A message type has at most ${extraQueuesMax} queues besides the default one. Delete one first.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const defaultHasNoPools = () =>
  new DomainError(
    'queue-default',
    422,
    'The default queue takes what is tied to no other queue; it cannot be tied to pools itself.',
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )

export const poolTied = (poolKey: string) =>
  new DomainError(
    'pool-tied',
    409,
    `The pool ${poolKey} is tied to another queue of this message type. Take it off there first.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const poolUnknown = () =>
  new DomainError('pool-unknown', 404, 'There is no pool with this key.', {
    vendorCode: 'isv.POOLKEY_NOT_EXISTS',
  })

export const stillWaiting = (what: string) =>
  new DomainError(
    'receipts-waiting',
    409,
    `${what} has receipts that nobody has had yet. Say discard=true to throw them away.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const pushUnknown = () =>
  new DomainError('push-unknown', 404, 'Receipts of this type are pushed nowhere.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export const urlRefused = (fault: string) =>
  new DomainError('push-url-refused', 422, fault, { vendorCode: 'isv.INVALID_PARAMETERS' })

export const kafkaUnset = () =>
  new DomainError(
    'kafka-unset',
    409,
    'This installation has no Kafka. Whoever runs it sets KAFKA_BROKERS first.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const kafkaUnknown = () =>
  new DomainError('kafka-unknown', 404, 'Receipts of this type do not go to Kafka.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })
