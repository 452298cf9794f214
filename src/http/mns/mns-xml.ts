import { createHash } from 'node:crypto'
import type { QueueAttributes, QueueDelivery, QueueMessage } from '../../receipts/queues.ts'
import { type MnsError, xmlWrong } from './mns-error.ts'

/** Answers in the vendor's words (product-semantics 4.11), and the one body that is read. */

type Fields = readonly (readonly [name: string, value: string | number | undefined])[]

const declaration = '<?xml version="1.0" encoding="UTF-8"?>'
const namespace = 'xmlns="http://mns.aliyuncs.com/doc/v1/"'

const document = (root: string, inner: string) =>
  `${declaration}<${root} ${namespace}>${inner}</${root}>`

const elements = (fields: Fields) =>
  fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`)
    .join('')

export const messageXml = (message: QueueDelivery | QueueMessage) =>
  document('Message', elements(messageFields(message)))

export const messagesXml = (messages: readonly (QueueDelivery | QueueMessage)[]) => {
  const each = messages.map((message) => `<Message>${elements(messageFields(message))}</Message>`)
  return document('Messages', each.join(''))
}

function messageFields(message: QueueDelivery | QueueMessage): Fields {
  const body = Buffer.from(message.body).toString('base64')
  const isDelivered = 'handle' in message
  return [
    ['MessageId', Number(message.id).toString(16).toUpperCase().padStart(16, '0')],
    ['ReceiptHandle', isDelivered ? message.handle : undefined],
    ['MessageBody', body],
    // Of the body as it is transported.
    ['MessageBodyMD5', createHash('md5').update(body).digest('hex').toUpperCase()],
    ['EnqueueTime', message.queuedAt.getTime()],
    ['NextVisibleTime', isDelivered ? message.visibleAt.getTime() : undefined],
    ['FirstDequeueTime', message.firstDequeuedAt?.getTime() ?? message.queuedAt.getTime()],
    ['DequeueCount', message.dequeued],
    ['Priority', 8],
  ]
}

export const visibilityXml = (handle: string, visibleAt: Date) =>
  document(
    'ChangeVisibility',
    elements([
      ['ReceiptHandle', handle],
      ['NextVisibleTime', visibleAt.getTime()],
    ]),
  )

/** What the vendor's queues can and ours do not has the value that means so. */
export function attributesXml(queue: QueueAttributes): string {
  const createdSeconds = Math.floor(queue.createdAt.getTime() / 1000)
  const fields: Fields = [
    ['QueueName', queue.name],
    ['CreateTime', createdSeconds],
    ['LastModifyTime', createdSeconds],
    ['DelaySeconds', 0],
    ['MaximumMessageSize', 65_536],
    ['MessageRetentionPeriod', queue.retentionSeconds],
    ['VisibilityTimeout', queue.visibilitySeconds],
    ['PollingWaitSeconds', 0],
    ['ActiveMessages', queue.active],
    ['InactiveMessages', queue.inactive],
    ['DelayMessages', queue.delayed],
    ['LoggingEnabled', 'False'],
  ]
  return document('Queue', elements(fields))
}

export const errorXml = (error: MnsError, requestId: string, hostId: string) =>
  document(
    'Error',
    elements([
      ['Code', error.code],
      ['Message', error.message],
      ['RequestId', requestId],
      ['HostId', hostId],
    ]),
  )

/** Of a batch: the handles that did not do, as they were sent. */
export const errorsXml = (failed: readonly { handle: string; error: MnsError }[]) => {
  const each = failed.map(
    ({ handle, error }) =>
      `<Error>${elements([
        ['ErrorCode', error.code],
        ['ErrorMessage', error.message],
        ['ReceiptHandle', handle],
      ])}</Error>`,
  )
  return document('Errors', each.join(''))
}

const handlesMax = 16
const listPattern =
  /^\uFEFF?\s*(?:<\?xml[^<>]{0,200}\?>\s*)?<ReceiptHandles(?:\s[^<>]{0,200})?>(.*)<\/ReceiptHandles>\s*$/s
const itemPattern = /\s*<ReceiptHandle>\s*([^<>&\s]{1,512})\s*<\/ReceiptHandle>\s*/y

/**
 * `<ReceiptHandles><ReceiptHandle>…`: read by its shape and not by an XML parser. No handle needs
 * an entity, and what could hold one does not get in.
 */
export function receiptHandlesIn(body: Buffer): readonly string[] {
  const list = listPattern.exec(body.toString('utf8'))?.[1]
  if (list === undefined) {
    throw xmlWrong('The body must be <ReceiptHandles> with a <ReceiptHandle> for each message.')
  }
  const handles: string[] = []
  itemPattern.lastIndex = 0
  for (let at = 0; at < list.length; at = itemPattern.lastIndex) {
    const [, handle] = itemPattern.exec(list) ?? []
    if (handle === undefined) throw xmlWrong('The body may hold only <ReceiptHandle> elements.')
    handles.push(handle)
    if (handles.length > handlesMax) throw xmlWrong(`At most ${handlesMax} handles at once.`)
  }
  if (handles.length === 0) throw xmlWrong('The body holds no <ReceiptHandle>.')
  return handles
}

function escaped(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // What XML 1.0 2.2 does not allow even escaped.
      .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '')
  )
}
