// The lab with ip_vs loaded, for all tests except those of module loading.
import { connectLab, type Lab } from '../lab/client.ts'

/** Connects to the lab and loads `ip_vs`, which kernels before 6.1 do not load on demand (see autoload.test.ts). */
export async function connectKernel(): Promise<Lab> {
  const lab = await connectLab()
  await lab.run(({ sh }) => sh('modprobe ip_vs'))
  return lab
}
