import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { causeOf, type HangupReason } from '../../src/domain/hangup.ts'
import { allScenesOf, oneOf, readCatalog } from '../support/catalog.ts'

const entries = await readCatalog()
const scenes = entries.flatMap((entry) => allScenesOf(entry))
const files = (await readdir('sip-scenarios', { recursive: true }))
  .filter((name) => name.endsWith('.xml'))
  .map((name) => name.replace(/\.xml$/, ''))
const usedByEntries = new Set(scenes.flatMap(({ caller, callees }) => [caller, ...callees]))

describe('sip-scenarios/', () => {
  test('every file is used: by the catalogue, or by the load that runs it', async () => {
    const load = await readFile('test/support/load.ts', 'utf8')
    const unused = files.filter((name) => !usedByEntries.has(name) && !load.includes(`'${name}'`))
    expect(unused).toEqual([])
  })

  test('every file that is named exists', () => {
    const missing = [...usedByEntries].filter((name) => name !== 'nobody' && !files.includes(name))
    expect(missing).toEqual([])
  })

  test.each(files)(
    '%s begins with its Story and what it Expects, and is named after its file',
    async (name) => {
      const text = await readFile(`sip-scenarios/${name}.xml`, 'utf8')
      expect(text).toMatch(
        /^<\?xml [^>]*\?>\n<!--\n {2}Story: [\s\S]+?\n {2}Expect: [\s\S]+?\n-->\n/,
      )
      expect(text).toContain(`<scenario name="${name}">`)
    },
  )
})

describe('sip-scenarios/catalog.json', () => {
  test('ids and stories are different', () => {
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(entries.length)
    expect(new Set(entries.map((entry) => entry.story)).size).toBe(entries.length)
  })

  test('causes are those that call records know', () => {
    const strange = scenes
      .flatMap((scene) => oneOf(scene.cause))
      .filter((cause) => causeOf(cause as HangupReason).q850 === undefined)
    expect(strange).toEqual([])
  })

  test('callers are callers and callees are callees', () => {
    const wrong = scenes.filter(
      ({ caller, callees }) =>
        !caller.startsWith('uac/') ||
        callees.some((callee) => callee !== 'nobody' && !callee.startsWith('uas/')),
    )
    expect(wrong).toEqual([])
  })
})
