// The control API: HTTP with JSON on a Unix socket that root and the group may use. The command line is its client.
import { chmod, rename, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { ControlError } from './control-error.ts'
import type { Events } from './events.ts'
import { METRICS_TYPE } from './metrics-server.ts'
import type { OrderAnswer, OverrideRequest, ReloadAnswer, Status } from './status.ts'

/** What the API can do; the daemon implements it. */
export interface Controls {
  readonly events: Events
  status(): Status
  /** Text for Prometheus. */
  metrics(): Promise<string>
  /** Lines of changes that the next round would apply. */
  plan(): Promise<readonly string[]>
  /** Reads the site file again. */
  reload(): Promise<ReloadAnswer>
  /** Adds or replaces an override. Resolves when it is kept and a round has ended. Throws `ControlError`. */
  override(request: OverrideRequest): Promise<OrderAnswer>
  /** Ends the override of a target. Throws `ControlError` if there is none. */
  endOverride(target: string, who: string): Promise<OrderAnswer>
  /** All factors of a server's weight, in words. Throws `ControlError`. */
  explain(service: string, server: string): readonly string[]
}

const overrideBody = z.strictObject({
  kind: z.enum(['drain', 'disable', 'forceUp']),
  target: z.string().min(1),
  who: z.string().min(1),
  why: z.string().default(''),
  until: z.number().int().positive().optional(),
  stickiness: z.enum(['keep', 'move']).optional(),
  waitMs: z.number().int().nonnegative().optional(),
  afterwards: z.enum(['keep', 'remove']).optional(),
})

export function routes(controls: Controls): Hono {
  const app = new Hono()
  app.onError((error, context) => {
    if (error instanceof ControlError) return context.json({ error: error.message }, error.status)
    if (error instanceof z.ZodError) return context.json({ error: z.prettifyError(error) }, 400)
    if (error instanceof SyntaxError) return context.json({ error: `the body is not JSON: ${error.message}` }, 400)
    return context.json({ error: error.message }, 500)
  })
  app.notFound((context) => context.json({ error: `there is no ${context.req.method} ${context.req.path}` }, 404))
  app.get('/v1/status', (context) => context.json(controls.status()))
  app.get('/metrics', async (context) => context.body(await controls.metrics(), 200, { 'content-type': METRICS_TYPE }))
  app.get('/v1/plan', async (context) => context.json({ changes: await controls.plan() }))
  app.post('/v1/reload', async (context) => context.json(await controls.reload()))
  app.post('/v1/overrides', async (context) => {
    const request = overrideBody.parse(await context.req.json())
    return context.json(await controls.override(request))
  })
  app.delete('/v1/overrides/:target{.+}', async (context) => {
    const who = context.req.query('who') ?? 'unknown'
    return context.json(await controls.endOverride(context.req.param('target'), who))
  })
  app.get('/v1/explain/:service/:server', (context) => {
    const { service, server } = context.req.param()
    return context.json({ lines: controls.explain(service, server) })
  })
  app.get('/v1/events', (context) => {
    const after = Number(context.req.header('last-event-id') ?? context.req.query('after') ?? 0)
    if (!Number.isSafeInteger(after) || after < 0) throw new ControlError(400, 'after: not the id of an event')
    if (context.req.query('follow') === undefined) return context.json({ events: controls.events.since(after) })
    return streamSSE(context, async (stream) => {
      const queue = [...controls.events.since(after)]
      let wake: (() => void) | undefined
      const end = controls.events.listen((event) => {
        queue.push(event)
        wake?.()
      })
      stream.onAbort(() => wake?.())
      try {
        while (!stream.aborted) {
          const event = queue.shift()
          if (event === undefined) await new Promise<void>((resolve) => (wake = resolve))
          else await stream.writeSSE({ id: String(event.id), event: event.kind, data: JSON.stringify(event) })
        }
      } finally {
        end()
      }
    })
  })
  return app
}

async function isServed(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Serves the API on a Unix socket with mode 0660. A socket that a crash left behind is replaced. */
export async function serve(path: string, controls: Controls): Promise<AsyncDisposable> {
  if (await isServed(path)) throw new Error(`${path} is served by another process`)
  const listener = getRequestListener(routes(controls).fetch)
  const server = createServer((request, response) => void listener(request, response))
  // It gets its name when it has its mode.
  const unnamed = `${path}.new`
  await rm(unnamed, { force: true })
  server.listen(unnamed)
  await once(server, 'listening')
  await chmod(unnamed, 0o660)
  await rename(unnamed, path)
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await rm(path, { force: true })
    },
  }
}
