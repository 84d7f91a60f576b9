// Names of network namespaces.

/** The path of a namespace, given by a name of `ip netns` or a path. */
export function netnsPath(name: string): string {
  return name.includes('/') ? name : `/run/netns/${name}`
}
