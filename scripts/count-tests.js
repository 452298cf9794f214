// Prints `<passed> <failed> <skipped>` of a vitest JSON report; a missing report counts nothing.
import { existsSync, readFileSync } from 'node:fs'

const [file = ''] = process.argv.slice(2)
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [] }

// A file that cannot be loaded has failed without a single test.
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && assertionResults.every((each) => each.status !== 'failed'),
).length
const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
const count = (status) => results.filter((each) => each.status === status).length
const skipped = results.length - count('passed') - count('failed')

process.stdout.write(`${count('passed')} ${count('failed') + brokenFiles} ${skipped}\n`)
