// The whole file.
import { z } from 'zod'
import { checkDefaultsSchema, checkSchema } from './check-schema.ts'
import { address, duration, filePath, name, percent, oneLine, whole } from './fields.ts'
import type { DefaultsForm, SiteForm } from './form.ts'
import { forwarding, onFailure, schedulerSchema, serviceSchema } from './service-schema.ts'

const defaults = z
  .strictObject({
    forwarding: forwarding.optional(),
    scheduler: schedulerSchema.optional(),
    onFailure: onFailure.optional(),
    check: checkDefaultsSchema.optional(),
  })
  .meta({ description: 'Of all services that say nothing else.' })

const brake = z
  .union([
    z.literal(false),
    z.strictObject({
      maximumLoss: percent('Share of all servers.'),
      per: duration('Within this time.', 1000),
    }),
  ])
  .meta({
    description:
      'More servers down at once are taken for a fault of this host: none is removed until the control target answers. false: never. Default: 50% within 1m if there is a control target, else never.',
  })

const failover = z
  .strictObject({
    engine: z.enum(['keepalived']).meta({ description: 'Who moves the addresses.' }),
    virtualRouterId: whole('1 to 255.', 1, 255),
    interface: oneLine('Network interface of the addresses.', 15),
    advertInterval: duration('Default 1s.', 10, 40_950).optional(),
    anchor: address('The one address that the directors compare; it never changes.'),
    directors: z
      .record(name, address("A director's own address."))
      .meta({ description: 'All directors, this one too.' }),
  })
  .meta({ description: 'Several directors, one of which has the addresses.' })

const source = z
  .union([
    z.literal('file'),
    z.strictObject({
      etcd: z.strictObject({
        endpoints: z.array(z.url({ protocol: /^https?$/ })).min(1),
        prefix: oneLine('Prefix of the keys.'),
        tls: z
          .strictObject({
            ca: filePath('PEM file.').optional(),
            certificate: filePath('PEM file.').optional(),
            key: filePath('PEM file.').optional(),
          })
          .optional(),
        cache: filePath('File of the last good site.').optional(),
      }),
    }),
  ])
  .meta({ description: 'Where the site comes from. Default file.' })

function form(service: z.ZodType): z.ZodType {
  return z
    .strictObject({
      version: z.literal(1).meta({ description: 'Version of the form of this file.' }),
      defaults: defaults.optional(),
      services: z.record(name, service).meta({ description: 'Virtual services by name.' }),
      brake: brake.optional(),
      drift: z
        .enum(['repair', 'report'])
        .meta({
          description:
            'What was changed by others in what is ours: repaired and reported, or only reported. Default repair.',
        })
        .optional(),
      control: checkSchema
        .meta({ description: 'A check of what is up whatever the servers do, such as the gateway.' })
        .optional(),
      failover: failover.optional(),
      source: source.optional(),
    })
    .meta({ title: 'Site of ipvs-director' })
}

/** Alone, because services can be looked at when it is right, whatever else is wrong. */
export const defaultsSchema: z.ZodType<DefaultsForm> = defaults

/** The file without its services: these are read one by one, so that one mistake hides no other. */
export const frameSchema: z.ZodType<SiteForm> = form(z.unknown()) as z.ZodType<SiteForm>

/** JSON Schema (draft 2020-12) of the file, for editors. */
export function siteJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(form(serviceSchema), { io: 'input', reused: 'inline' })
}
