/** The little of the engine's HTTP API that the demo needs. It is a customer like any other. */
export type Api = {
  /** `http://host:port`. */
  readonly url: string
  readonly token: string
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  remove(path: string): Promise<void>
}

const msMax = 10_000

export function createApi({ url, token }: { url: string; token: string }): Api {
  async function send(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(msMax),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (response.ok) return response
    // RFC 9457 problem details, or whatever stands in the way.
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }

  return {
    url,
    token,
    get: async <T>(path: string) => (await (await send('GET', path)).json()) as T,
    post: async <T>(path: string, body: object) =>
      (await (await send('POST', path, body)).json()) as T,
    remove: async (path) => void (await send('DELETE', path)),
  }
}
