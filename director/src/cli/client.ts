// The client of the control API, over its Unix socket.
import { request } from 'node:http'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { DirectorEvent } from '../control/events.ts'

/** The daemon refused a request, or could not be asked. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  /** Status of HTTP; 0: no answer. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const unreachable: Readonly<Record<string, string>> = {
  ENOENT: 'no daemon runs here; start it with "ipvs-director run"',
  ECONNREFUSED: 'no daemon runs here (its socket was left behind); start it with "ipvs-director run"',
  EACCES: 'this user may not use the socket; be root or in its group',
}

export class Client {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.#json('GET', path)
  }

  post<Answer>(path: string, body?: unknown): Promise<Answer> {
    return this.#json('POST', path, body)
  }

  delete<Answer>(path: string): Promise<Answer> {
    return this.#json('DELETE', path)
  }

  /** Events after an id as they come, until the daemon or `signal` ends it. */
  async *follow(after: number, signal?: AbortSignal): AsyncGenerator<DirectorEvent> {
    const response = await this.#send('GET', `/v1/events?follow&after=${after}`, undefined, signal)
    let rest = ''
    response.setEncoding('utf8')
    for await (const chunk of response as AsyncIterable<string>) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = block.split('\n').find((line) => line.startsWith('data:'))
        if (data !== undefined) yield JSON.parse(data.slice('data:'.length)) as DirectorEvent
      }
    }
  }

  async #json<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.#send(method, path, body)
    const text = (await response.setEncoding('utf8').toArray()).join('')
    const answer = JSON.parse(text) as Answer & { error?: string }
    const status = response.statusCode ?? 0
    if (status >= 400) throw new ClientError(status, answer.error ?? `the daemon says ${status}`)
    return answer
  }

  async #send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    const sent = request({ socketPath: this.#socketPath, method, path, ...(signal === undefined ? {} : { signal }) })
    if (body !== undefined) sent.setHeader('content-type', 'application/json')
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    try {
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      return response
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      throw new ClientError(0, `${this.#socketPath}: ${unreachable[code] ?? message}`)
    }
  }
}
