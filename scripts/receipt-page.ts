import { writeFile } from 'node:fs/promises'
import { exampleOf } from '../src/receipts/receipt-example.ts'
import { type MessageType, messageTypes, receiptSchema } from '../src/receipts/receipt-types.ts'

/** docs/receipts.md, made of the schemas that the code and its tests use. */
export function receiptPage(): string {
  return `${[head, ...messageTypes.map(sectionOf)].join('\n\n')}\n`
}

const head = `# Receipts

What your systems are told, by the vendor's names. Made by \`scripts/receipt-page.ts\` out of \`src/receipts/receipt-types.ts\`: change it there.

A queue gives one JSON object a message ([receipt-queues.md](receipt-queues.md)), a topic of Kafka one a record
([receipt-kafka.md](receipt-kafka.md)); a push sends an array of them ([receipt-push.md](receipt-push.md)). Real numbers are in full, as you write them yourself. Times are Beijing time unless a field says
milliseconds. The same event can come twice: drop what has the \`id\` of one that you have, and for receipts without \`id\` compare
the call and the type. An end that was written for a lost router (\`release_cause\` 41) can be followed by the true one under the
same \`id\`, or by one that knows more: the later one counts, and the last one says what the call record says.

SecretRecording, SecretAsrReport, SecretSmsIntercept and the two bills have their form here already; what makes them comes with
recordings, texts and bills.`

type Schema = {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
}

function sectionOf(type: MessageType): string {
  const schema = receiptSchema(type) as Schema
  const example = JSON.stringify(exampleOf(type), undefined, 2)
  return [
    `## ${type}`,
    schema.description ?? '',
    ['| field | type | |', '|---|---|---|', ...rowsOf(schema, '')].join('\n'),
    `\`\`\`json\n${example}\n\`\`\``,
  ].join('\n\n')
}

function rowsOf(schema: Schema, prefix: string): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const optional = schema.required?.includes(name) === true ? '' : ', may be missing'
    const shown = field.description ?? ''
    const own = `| \`${prefix}${name}\` | ${field.type ?? ''}${optional} | ${shown} |`
    return field.items === undefined ? [own] : [own, ...rowsOf(field.items, `${prefix}${name}[].`)]
  })
}

if (process.argv[1]?.endsWith('receipt-page.ts') === true) {
  await writeFile(new URL('../docs/receipts.md', import.meta.url), receiptPage())
}
