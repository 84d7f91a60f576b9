// Names of network namespaces.

/** The path of a namespace: names are those of `ip netns`. */
export function netnsPath(name: string): string {
  return name.includes('/') ? name : `/run/netns/${name}`
}
