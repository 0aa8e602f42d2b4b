/** The only picocolors import. Whether there are colours at all is the caller's decision (terminal, NO_COLOR, --no-color). */
import colors from 'picocolors';
import type { Paint } from './look.ts';

export function createPaint(color: boolean): Paint {
  const { green, red, yellow, bold, dim, cyan, magenta, blue } = colors.createColors(color);
  // Neither those of what went wrong, nor of what went well.
  const nodes = [cyan, magenta, blue, bold];
  const node: Paint['node'] = (place) => nodes[place % nodes.length] ?? bold;
  return { good: green, bad: red, warn: yellow, strong: bold, faint: dim, node };
}
