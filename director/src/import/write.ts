// The text of an imported site.
import { Document, isMap, isSeq, visit } from 'yaml'
import type { SiteTree } from './imported.ts'

/** Lists with an item in each line. Every other list, and every map below a service, is in one line. */
const longLists = new Set<unknown>(['servers', 'checks', 'of', 'virtual'])
const SERVICE_DEPTH = 4 // the maps of the file, of services and of a service, with the pairs between them

/** YAML: one line for each server and each check. */
export function siteText(site: SiteTree): string {
  const document = new Document(site)
  visit(document, {
    Map: (_key, node, path) => {
      const inRule = isMap(node) && node.has('of')
      if (path.length > SERVICE_DEPTH + 1 && !inRule) node.flow = true
    },
    Seq: (_key, node, path) => {
      const pair = path.at(-1) as { key?: { value?: unknown } } | undefined
      node.flow = !longLists.has(pair?.key?.value) || !node.items.some((item) => isMap(item) || isSeq(item))
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}
