// What handles do while their life is tried: the same with services and with marks.
import { FirewallMarks, Ipvs } from 'ipvs'
import type { World } from './world.ts'

type Handle = Ipvs | FirewallMarks

export interface Subject<Kind extends Handle = Handle> {
  readonly name: 'services' | 'marks'
  open(netns: string): Promise<Kind>
  /** The marks of what is there. */
  list(handle: Kind, signal?: AbortSignal): Promise<readonly number[]>
  add(handle: Kind, mark: number): Promise<unknown>
  remove(handle: Kind, mark: number): Promise<unknown>
  /** A program that is in the midst of calls when it gets to its end. */
  script(netns: string): string
}

const library = JSON.stringify(import.meta.resolve('ipvs'))
const rule = (mark: number) =>
  ({ mark, address: `10.9.${(mark >> 8) & 255}.${mark & 255}`, protocol: 'tcp', ports: [80] }) as const
const signalled = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal })

const services: Subject<Ipvs> = {
  name: 'services',
  open: (netns) => Ipvs.open({ netns }),
  list: async (ipvs, signal) => (await ipvs.listServices(signalled(signal))).map(({ fwmark = 0 }) => fwmark),
  add: (ipvs, fwmark) => ipvs.addService({ fwmark }),
  remove: (ipvs, fwmark) => ipvs.removeService({ fwmark }),
  script: (netns) => `
    import { Ipvs } from ${library}
    const ipvs = await Ipvs.open({ netns: ${JSON.stringify(netns)} })
    const loop = async () => { for (;;) await ipvs.listServices() }
    void loop()
    void ipvs.addServices(Array.from({ length: 200 }, (_, index) => ({ fwmark: index + 1 })));
  `,
}

const marks: Subject<FirewallMarks> = {
  name: 'marks',
  open: (netns) => FirewallMarks.open({ netns }),
  list: async (handle, signal) => (await handle.list(signalled(signal))).map(({ mark }) => mark),
  add: (handle, mark) => handle.add(rule(mark)),
  remove: (handle, mark) => handle.remove(rule(mark)),
  script: (netns) => `
    import { FirewallMarks } from ${library}
    const marks = await FirewallMarks.open({ netns: ${JSON.stringify(netns)} })
    const loop = async () => { for (;;) await marks.list() }
    void loop()
    void marks.replace(Array.from({ length: 50 }, (_, index) =>
      ({ mark: index + 1, address: '10.8.0.' + (index + 1), protocol: 'tcp', ports: 'all' })));
  `,
}

/** Those that this kernel has. */
export function subjectsOf({ hasIpvs }: Pick<World, 'hasIpvs'>): readonly Subject[] {
  return hasIpvs ? [services, marks] : [marks]
}
