import { createRequire } from 'node:module'

type Json = Record<string, unknown>
export type Credentials = { readonly id: string; readonly secret: string }
/** One of the vendor's own clients, unmodified. A gateway error is thrown with `code`; so is, by some, a refusal. */
export type RpcClient = (action: string, parameters: Json) => Promise<Json>

const version = '2017-05-25'

// They bring no types.
const require = createRequire(import.meta.url)
type PopConfig = { endpoint: string; accessKeyId: string; accessKeySecret: string }
type PopClient = {
  request(action: string, parameters: Json, options?: { method?: string }): Promise<Json>
}
const PopCore: new (config: PopConfig & { apiVersion: string }) => PopClient =
  require('@alicloud/pop-core').RPCClient
const Generated: new (
  config: PopConfig,
) => PopClient & Record<string, RpcMethod> = require('@alicloud/dyplsapi-2017-05-25')
type RpcMethod = (parameters: Json, options?: { method?: string }) => Promise<Json>

/** The parts that the clients of the newer generations have in common. */
type New<T> = new (values: Json) => T
type ApiClient = {
  callApi(params: object, request: object, runtime: object): Promise<{ body: Json }>
}
const openApi: {
  default: New<ApiClient>
  Config: New<Json>
  OpenApiRequest: New<object>
  Params: New<object>
} = require('@alicloud/openapi-client')
const teaUtil: { RuntimeOptions: New<object> } = require('@alicloud/tea-util')
const coreApi: {
  default: New<ApiClient>
  $OpenApiUtil: { Config: New<Json>; OpenApiRequest: New<object>; Params: New<object> }
} = require('@alicloud/openapi-core')
const dara: { RuntimeOptions: New<object> } = require('@darabonba/typescript')

const popConfig = (endpoint: string, { id, secret }: Credentials): PopConfig => ({
  endpoint,
  accessKeyId: id,
  accessKeySecret: secret,
})

/** Style v1, as the SDKs before 2022 have it: query of a GET, or form of a POST. */
export function popCore(base: string, key: Credentials, method: 'GET' | 'POST'): RpcClient {
  const client = new PopCore({ ...popConfig(base, key), apiVersion: version })
  return (action, parameters) => client.request(action, parameters, { method })
}

/** The SDK of this very API, one method an action. */
export function generatedSdk(base: string, key: Credentials): RpcClient {
  const client = new Generated(popConfig(base, key))
  return (action, parameters) => {
    const method = client[`${action.charAt(0).toLowerCase()}${action.slice(1)}`]
    if (method === undefined) throw new Error(`the SDK has no ${action}`)
    return method.call(client, parameters)
  }
}

const params = (action: string) => ({
  action,
  version,
  protocol: 'HTTP',
  method: 'POST',
  authType: 'AK',
  style: 'RPC',
  pathname: '/',
  reqBodyType: 'formData',
  bodyType: 'json',
})

/** Lists and objects as JSON, everything as text: what the generated code of the current SDKs does. */
function queryOf(parameters: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  )
}

/** `acs3`: as current SDKs sign. `v1`: the same client told to sign as before; its query rides on a POST. */
export function openApiClient(base: string, key: Credentials, style: 'acs3' | 'v1'): RpcClient {
  const { id: accessKeyId, secret: accessKeySecret } = key
  const { host: endpoint } = new URL(base)
  const config = new openApi.Config({ accessKeyId, accessKeySecret, endpoint, protocol: 'HTTP' })
  if (style === 'v1') config['signatureAlgorithm'] = 'v2'
  const client = new openApi.default(config)
  return async (action, parameters) => {
    const request = new openApi.OpenApiRequest({ query: queryOf(parameters) })
    const asked = new openApi.Params(params(action))
    const answer = await client.callApi(asked, request, new teaUtil.RuntimeOptions({}))
    return answer.body
  }
}

/** The newest generation of the same. */
export function openApiCore(base: string, key: Credentials): RpcClient {
  const { id: accessKeyId, secret: accessKeySecret } = key
  const config = new coreApi.$OpenApiUtil.Config({
    accessKeyId,
    accessKeySecret,
    endpoint: new URL(base).host,
    protocol: 'HTTP',
  })
  const client = new coreApi.default(config)
  return async (action, parameters) => {
    const request = new coreApi.$OpenApiUtil.OpenApiRequest({ query: queryOf(parameters) })
    const asked = new coreApi.$OpenApiUtil.Params(params(action))
    const answer = await client.callApi(asked, request, new dara.RuntimeOptions({}))
    return answer.body
  }
}
