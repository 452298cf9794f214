import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadSettings } from '../../src/platform/settings.ts'

type Service = {
  readonly image?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly healthcheck?: object
  readonly networks: { readonly axbridge: { readonly ipv4_address?: string } }
  readonly profiles?: readonly string[]
}

const read = (file: string) => readFileSync(file, 'utf8')
const composeText = read('docker-compose.yml')
const services: Readonly<Record<string, Service>> = parse(composeText, { merge: true }).services
const knownSettings = [...read('src/platform/settings.ts').matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(
  ([, name = '']) => name,
)

/** With every variable of .env set to something harmless. */
const filledIn = (value: string) => value.replace(/\$\{(\w+)(:?[?-][^}]*)?\}/g, 'x'.repeat(24))

describe('docker-compose.yml', () => {
  test('has every part of production, and SIPp only on demand', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['drachtio', 'engine', 'freeswitch', 'migrate', 'postgres', 'redis', 'sipp'].sort(),
    )
    const optional = Object.entries(services).filter(([, { profiles }]) => profiles !== undefined)
    expect(optional.map(([name, { profiles }]) => [name, profiles])).toEqual([['sipp', ['test']]])
  })

  test('gives every service an address of its own', () => {
    const addresses = Object.values(services).map((each) => each.networks.axbridge.ipv4_address)
    expect(addresses.every((each) => each?.startsWith('172.29.0.'))).toBe(true)
    expect(new Set(addresses).size).toBe(addresses.length)
  })

  test('checks the health of every server', () => {
    for (const name of ['postgres', 'redis', 'drachtio', 'freeswitch']) {
      expect(services[name]?.healthcheck, name).toBeDefined()
    }
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK .*\\\n {2}CMD .*\/healthz/m)
  })

  test('holds no secret, not even as a default', () => {
    const secretVariables = [
      ...composeText.matchAll(/\$\{(\w*(?:PASSWORD|SECRET|TOKEN|KEYS)\w*)([^}]*)\}/g),
    ]
    expect(secretVariables.length).toBeGreaterThan(5)
    for (const [text, , rest] of secretVariables) expect(rest, text).toMatch(/^:\?/)
    for (const [name, { environment = {} }] of Object.entries(services)) {
      for (const [variable, value] of Object.entries(environment)) {
        if (!/PASSWORD|SECRET|TOKEN|AUTH|_URLS?$/.test(variable)) continue
        expect(value, `${name}.${variable}`).toContain('${')
      }
    }
  })

  test('gives the engine settings that it knows and can start with', () => {
    const environment = services['engine']?.environment ?? {}
    expect(Object.keys(environment).filter((name) => !knownSettings.includes(name))).toEqual([])
    const filled = Object.entries(environment).map(([name, value]) => [name, filledIn(value)])
    const defaults = { DEFAULT_COUNTRY: 'CN', LOG_LEVEL: 'info', PUBLIC_URL: 'https://x.example' }
    const proxies = { HTTP_TRUSTED_PROXIES: '172.29.0.1' }
    const settings = loadSettings({ ...Object.fromEntries(filled), ...defaults, ...proxies })
    expect(settings.DRACHTIO_URL).toMatch(/^drachtio:\/\/:x+@172\.29\.0\.20:9022$/)
  })

  test('shares recordings and tones with the media server under the same paths', () => {
    const { RECORDINGS_DIR = '', TONES_DIR = '' } = services['engine']?.environment ?? {}
    const mounted = (name: string) =>
      (services[name]?.volumes ?? []).map((each) => each.split(':')[1])
    expect(mounted('freeswitch')).toEqual(expect.arrayContaining([RECORDINGS_DIR, TONES_DIR]))
    expect(mounted('engine')).toContain(RECORDINGS_DIR)
    expect(read('Dockerfile')).toContain(`COPY config/tones .${TONES_DIR.slice('/app'.length)}`)
  })

  test('mounts only what is there', () => {
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes)
    const hostPaths = mounts
      .map((each) => each.split(':')[0] ?? '')
      .filter((each) => each.startsWith('.'))
    expect(hostPaths.length).toBeGreaterThan(3)
    expect(hostPaths.filter((path) => !existsSync(path))).toEqual([])
  })

  test('needs exactly the variables that config/example.env explains', () => {
    const used = [...composeText.matchAll(/\$\{(\w+)/g)].map(([, name]) => name)
    const explained = [...read('config/example.env').matchAll(/^#?([A-Z_]+)=/gm)].map(
      ([, name]) => name,
    )
    expect([...new Set(used)].sort()).toEqual(explained.sort())
  })
})

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile')

  test('copies only what is there and not ignored', () => {
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, words = '']) =>
      words.split(' ').slice(0, -1),
    )
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    expect(sources.length).toBeGreaterThan(5)
    for (const source of sources) {
      expect(existsSync(source), source).toBe(true)
      expect(allowed, source).toContain(`!${source}`)
    }
  })

  test('runs the engine as an ordinary user, on a pinned base, with production packages only', () => {
    const [, engine = ''] = dockerfile.split(/^FROM node\S+ AS engine$/m)
    expect(engine).toMatch(/^USER node$/m)
    expect(engine).toContain('npm ci --omit=dev')
    expect(dockerfile).not.toMatch(/^FROM \S+:latest/m)
  })

  test('sets only settings that the engine knows', () => {
    const block =
      /^ENV AXBRIDGE_DATA[\s\S]*?(?=^\w)/m.exec(dockerfile.replaceAll('\\\n', ' '))?.[0] ?? ''
    const names = [...block.matchAll(/([A-Z_]+)=/g)].map(([, name = '']) => name)
    expect(names).toContain('RECORDINGS_DIR')
    expect(names.filter((name) => !knownSettings.includes(name))).toEqual([])
  })
})

describe('configuration of the real servers', () => {
  const files = readdirSync('config', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.xml'))
    .map((name) => `config/${name}`)

  test('there are four files of it', () => {
    expect(files).toHaveLength(4)
  })

  test.each(files)('%s is well-formed', (file) => {
    expect(XMLValidator.validate(read(file))).toBe(true)
  })

  test('offers the engine a media profile under the name that its library looks for, without SRTP', () => {
    expect(read('config/freeswitch/sip_profiles/mrf.xml')).toContain(
      '<profile name="drachtio_mrf">',
    )
    expect(read('config/freeswitch/vars_diff.xml')).toContain('rtp_secure_media=forbidden')
    expect(read('config/freeswitch/dialplan/mrf.xml')).toContain('park_after_bridge=true')
  })

  test('writes no SIP message, and so no real number, to a log', () => {
    const text = read('config/drachtio.conf.xml')
    expect(text).toContain('<loglevel>notice</loglevel>')
    expect(text).toMatch(/<sofia-loglevel>[0-2]<\/sofia-loglevel>/)
    expect(read('config/freeswitch/sip_profiles/mrf.xml')).toContain('name="sip-trace" value="no"')
  })
})

test('docs/operations.md explains every setting, and no other', () => {
  const [, table = ''] = read('docs/operations.md').split('## Settings')
  const explained = [...table.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name)
  expect(explained.sort()).toEqual([...knownSettings].sort())
})
