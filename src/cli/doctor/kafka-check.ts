import { loadSettings } from '../../platform/settings.ts'
import { createKafkaClient } from '../../receipts/kafka-client.ts'
import { kafkaOptions } from '../../receipts/kafka-options.ts'
import type { CliEnv } from '../deps.ts'
import { type Finding, fail, ok } from './finding.ts'

const part = 'kafka'

/** Whether a broker lets us in; which topics may be written it says only when something is sent. */
export async function checkKafka(env: CliEnv): Promise<Finding[]> {
  const options = optionsIn(env)
  if (options === undefined) return []
  const client = createKafkaClient(options)
  try {
    const { fault } = await client.reach()
    if (fault === undefined) return [ok(part, 'a broker lets us in')]
    return [fail(part, `not reachable: ${fault}`, 'start it, or correct the settings KAFKA_…')]
  } finally {
    client.close()
  }
}

/** Of faulty settings the settings check speaks. */
function optionsIn(env: CliEnv): ReturnType<typeof kafkaOptions> {
  try {
    return kafkaOptions(loadSettings({ ...env }))
  } catch {
    return undefined
  }
}
