import { type EslFields, eventMessage, splitOnce } from './esl-text.ts'

/** Where events are published, and from where every connection takes those that it asked for. */
export type EventBus = {
  publish(name: string, fields: EslFields): void
  subscribe(subscriber: EventSubscriber): () => void
}

export type EventSubscriber = {
  readonly interest: EventInterest
  send(message: string): void
}

export function createEventBus(deps: { coreUuid: string; host: string }): EventBus {
  const subscribers = new Set<EventSubscriber>()
  let sequence = 0

  return {
    publish(name, fields) {
      sequence++
      let event: EslFields | undefined
      const messages: { json?: string; plain?: string } = {}
      for (const { interest, send } of subscribers) {
        if (!interest.wants(name, fields)) continue
        event ??= complete(name, fields)
        const { format } = interest
        messages[format] ??= eventMessage(format, event)
        send(messages[format])
      }
    },
    subscribe(subscriber) {
      subscribers.add(subscriber)
      return () => subscribers.delete(subscriber)
    },
  }

  function complete(name: string, fields: EslFields): EslFields {
    const now = new Date()
    return {
      'Event-Name': name,
      'Core-UUID': deps.coreUuid,
      'FreeSWITCH-Hostname': 'axbridge-media',
      'FreeSWITCH-IPv4': deps.host,
      'Event-Date-GMT': now.toUTCString(),
      'Event-Date-Timestamp': String(now.getTime() * 1000),
      'Event-Sequence': String(sequence),
      ...fields,
    }
  }
}

/** What one connection wants to hear: event names, custom subclasses, and filters of which one must match. */
export type EventInterest = {
  readonly format: 'json' | 'plain'
  wants(name: string, fields: EslFields): boolean
  /** `event json A B CUSTOM x::y`. False: no names given. */
  add(argument: string): boolean
  remove(argument: string): void
  clear(): void
  /** `filter Unique-ID x` and `filter delete Unique-ID [x]`; the answer for the client. */
  filter(argument: string): string
}

export function createEventInterest(): EventInterest {
  let format: 'json' | 'plain' = 'plain'
  const names = new Set<string>()
  const subclasses = new Set<string>()
  let filters: { header: string; value: string }[] = []

  const matches = (fields: EslFields) =>
    filters.length === 0 || filters.some(({ header, value }) => fields[header] === value)

  return {
    get format() {
      return format
    },
    wants(name, fields) {
      const named =
        name === 'CUSTOM'
          ? subclasses.has(fields['Event-Subclass'] ?? '')
          : names.has(name) || names.has('ALL')
      return named && matches(fields)
    },
    add(argument) {
      const words = argument.split(/\s+/).filter((word) => word !== '')
      const [first] = words
      if (first === 'json' || first === 'plain' || first === 'xml') {
        words.shift()
        format = first === 'json' ? 'json' : 'plain'
      }
      for (const [name, isSubclass] of eventNames(words)) {
        if (isSubclass) subclasses.add(name)
        else names.add(name)
      }
      return words.length > 0
    },
    remove(argument) {
      for (const [name] of eventNames(argument.split(/\s+/))) {
        names.delete(name)
        subclasses.delete(name)
      }
    },
    clear() {
      names.clear()
      subclasses.clear()
    },
    filter(argument) {
      const [first = '', rest = ''] = splitOnce(argument, ' ')
      if (first === 'delete') {
        const [header, value] = splitOnce(rest, ' ')
        filters = filters.filter(
          (each) => each.header !== header || (value !== undefined && each.value !== value),
        )
        return `+OK filter deleted. [${header}]=[${value ?? ''}]`
      }
      filters.push({ header: first, value: rest })
      return `+OK filter added. [${first}]=[${rest}]`
    },
  }
}

/** After the word CUSTOM everything is the name of a subclass, as in FreeSWITCH. */
function eventNames(words: readonly string[]): [string, boolean][] {
  const custom = words.indexOf('CUSTOM')
  return words.flatMap((word, at): [string, boolean][] => {
    if (at === custom || word === '') return []
    if (custom !== -1 && at > custom) return [[word, true]]
    return [[word.toUpperCase().replace(/^SWITCH_EVENT_/, ''), false]]
  })
}
