/**
 * What the service counts, in the text format of Prometheus. Parts make their metrics once, by name; values of gauges are
 * asked for when somebody looks.
 */

type Labels = Readonly<Record<string, string>>;

/** Only goes up. */
export interface Counter {
  add(labels?: Labels, by?: number): void;
}

interface Metric {
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  read(): readonly (readonly [Labels, number])[];
}

export class Metrics {
  readonly #metrics = new Map<string, Metric>();

  /** @param name `fleet_…_total` */
  counter(name: string, help: string): Counter {
    const values = new Map<string, [Labels, number]>();
    this.#add(name, { help, type: 'counter', read: () => [...values.values()] });
    return {
      add: (labels = {}, by = 1) => {
        const key = formatLabels(labels);
        const value = values.get(key);
        if (value === undefined) values.set(key, [labels, by]);
        else value[1] += by;
      },
    };
  }

  /** @param read a number, or one for each set of labels */
  gauge(name: string, help: string, read: () => number | readonly (readonly [Labels, number])[]): void {
    this.#add(name, {
      help,
      type: 'gauge',
      read: () => {
        const value = read();
        return typeof value === 'number' ? [[{}, value]] : value;
      },
    });
  }

  /** As a scrape gets it. */
  render(): string {
    return [...this.#metrics]
      .flatMap(([name, metric]) => [
        `# HELP ${name} ${metric.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
        `# TYPE ${name} ${metric.type}`,
        ...metric.read().map(([labels, value]) => `${name}${formatLabels(labels)} ${value}`),
      ])
      .map((line) => `${line}\n`)
      .join('');
  }

  #add(name: string, metric: Metric): void {
    if (!/^fleet_[a-z0-9_]+$/.test(name) || this.#metrics.has(name)) throw new Error(`no name for a metric: ${name}`);
    this.#metrics.set(name, metric);
  }
}

function formatLabels(labels: Labels): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return '';
  const escaped = (value: string): string =>
    value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `{${entries.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}
