// What is measured with one manager.
import { Manager, type Service, type Setting } from './managers.ts'
import type { Cell, TrialName } from './plan.ts'
import { manyPort, type Request, type Stage } from './stage.ts'

type Values = Record<string, number>
type Trial = (stage: Stage, cell: Cell) => Promise<Values>

const startLimitMs = 600_000
const failed = ({ reply }: Request): boolean => !reply.startsWith('server-')

async function managed(
  stage: Stage,
  { driver }: Cell,
  setting: Setting,
  measure: (manager: Manager, startMs: number) => Promise<Values>,
): Promise<Values> {
  const manager = await Manager.prepare(stage.context, driver, stage.director)
  try {
    await manager.put(setting)
    manager.start()
    const wanted = setting.services.reduce((total, { servers }) => total + servers.length, 0)
    const startMs = await stage.until(
      ({ servers }) => servers.length === wanted,
      startLimitMs,
      500,
      () => manager.words,
    )
    return await measure(manager, startMs)
  } finally {
    await manager.end()
  }
}

function failure(cut: (stage: Stage) => Promise<() => Promise<unknown>>): Trial {
  return async (stage, cell) => {
    const { context, addresses } = stage
    // 10.0.0.7, as the kernel's file has it.
    const dead = '0A000007'
    const setting = { services: [{ port: 80, servers: addresses }], interval: 1, serverPort: 80 }
    return managed(stage, cell, setting, async (manager) => {
      const client = await stage.request()
      // The failure comes at any moment between two checks.
      await context.sleep(2500 + Math.random() * 1000)
      const start = Date.now()
      const mend = await cut(stage)
      const ms = await stage.until(
        ({ servers }) => !servers.includes(dead),
        60_000,
        20,
        () => manager.words,
      )
      const out = Date.now()
      await context.sleep(2000)
      const requests = await client.end()
      await mend()
      const during = requests.filter(({ at }) => at > start - 200 && at <= out)
      const after = requests.filter(({ at }) => at > out)
      const before = requests.filter(({ at }) => at <= start - 200)
      return {
        seconds: ms / 1000,
        failed: during.filter(failed).length,
        requests: during.length,
        failedAfter: after.filter(failed).length,
        failedBefore: before.filter(failed).length,
      }
    })
  }
}

function manyServices(n: number, servers: readonly string[]): Service[] {
  return Array.from({ length: n }, (_, index) => ({ port: index === 0 ? 80 : 20_000 + index, servers }))
}

const reload: Trial = async (stage, cell) => {
  const { context, addresses } = stage
  const { n } = cell
  const setting = (servers: readonly string[]): Setting => ({
    services: manyServices(n, servers),
    interval: 5,
    serverPort: 80,
  })
  return managed(stage, cell, setting(addresses.slice(0, 2)), async (manager, startMs) => {
    await context.sleep(8000)
    const client = await stage.request()
    await context.sleep(3000)
    const before = await manager.usage()
    await manager.put(setting(addresses))
    const [services, servers] = [[n], [n * 2]]
    const start = Date.now()
    await manager.reload()
    const ms = await stage.until(
      (table) => {
        services.push(table.services)
        servers.push(table.servers.length)
        return table.servers.length === n * 3
      },
      startLimitMs,
      100,
      () => manager.words,
    )
    const after = await manager.usage()
    await context.sleep(2000)
    const requests = (await client.end()).filter(({ at }) => at >= start)
    return {
      startSeconds: startMs / 1000,
      seconds: ms / 1000,
      processorSeconds: after.seconds - before.seconds,
      failed: requests.filter(failed).length,
      requests: requests.length,
      lostServices: n - Math.min(...services),
      lostServers: n * 2 - Math.min(...servers),
    }
  })
}

const minuteMs = 60_000
const perService = 10

const address = (index: number): string => `10.9.${Math.floor(index / 250)}.${(index % 250) + 1}`

const checks: Trial = async (stage, cell) => {
  const { context } = stage
  const { n } = cell
  const services = Array.from({ length: n / perService }, (_, service) => ({
    port: 20_000 + service,
    servers: Array.from({ length: perService }, (__, server) => address(service * perService + server)),
  }))
  const acceptor = await stage.serveMany()
  try {
    return await managed(stage, cell, { services, interval: 5, serverPort: manyPort }, async (manager, startMs) => {
      await context.sleep(10_000)
      const [before, counted, start] = [await manager.usage(), await stage.connections(), Date.now()]
      await context.sleep(minuteMs)
      const [after, total, end] = [await manager.usage(), await stage.connections(), Date.now()]
      const minutes = (end - start) / minuteMs
      const out = n - stage.table().servers.length
      return {
        startSeconds: startMs / 1000,
        checks: (total - counted) / minutes,
        processorSeconds: (after.seconds - before.seconds) / minutes,
        mebibytes: after.kib / 1024,
        takenOut: out,
      }
    })
  } finally {
    await acceptor.stop('SIGKILL')
  }
}

export const trials: Readonly<Record<TrialName, Trial>> = {
  refused: failure(async (stage) => {
    await stage.stopServer(0)
    return async () => stage.serve(0)
  }),
  silent: failure(async (stage) => {
    await stage.cut(0, true)
    return async () => stage.cut(0, false)
  }),
  reload,
  checks,
}
