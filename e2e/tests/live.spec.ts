import { createServer, Server, ServerResponse } from 'node:http';
import { AddressInfo } from 'node:net';

import { artifacts, databasePassword, dataSource } from '../environment';
import { dashboards, fullHeight } from '../dashboards';
import { faultsOf } from '../faults';
import { expect, panelThatAsks, test } from '../test';

/** An agent on a host with GPUs that draw what the test says. See pkg/gpu/handler.go. */
class Agent {
  private readonly listeners = new Set<ServerResponse>();
  private readonly server: Server;
  private readonly since = new Date();

  constructor(private power: number) {
    this.server = createServer((request, response) => {
      if (request.url !== '/v1/snapshots') {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      this.listeners.add(response);
      response.on('close', () => this.listeners.delete(response));
      this.say(response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What each GPU draws from now on, in watts. */
  draw(power: number) {
    this.power = power;
    this.listeners.forEach((listener) => this.say(listener));
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  private say(listener: ServerResponse) {
    const now = new Date();
    const devices = [0, 1].map((index) => ({
      uuid: `GPU-00000000-0000-0000-0000-00000000000${index}`,
      index,
      name: 'NVIDIA H100 80GB HBM3',
      memory_total_bytes: 85_899_345_920,
      time: now,
      power_watts: this.power,
      power_scope: 'gpu',
      energy_mj: Math.round((now.getTime() - this.since.getTime()) * this.power),
      energy_method: 'counter',
      utilization: 0.5,
      memory_used_bytes: 42_949_672_960,
      temperature_c: 61,
      health: {},
    }));
    listener.write(`${JSON.stringify({ host: 'e2e-gpu-host', time: now, since: this.since, devices })}\n`);
  }
}

test.describe('live', () => {
  test.skip(!databasePassword, 'WATTSCORE_PASSWORD does not say the password of the data source’s user');

  let agent: Agent;
  let address: string;
  test.beforeEach(async () => {
    agent = new Agent(300);
    address = await agent.listen();
  });
  test.afterEach(() => agent.close());

  test('a panel follows the GPUs without asking again', async ({ anotherDataSource, page, scratch }) => {
    const uid = await anotherDataSource({ gpuAgentUrl: address, gpuRegion: 'europe-north1' });
    const ours = { type: dataSource.type, uid };
    const query = { datasource: ours, queryType: 'gpuLive', options: { source: 'local', view: 'total', live: true } };
    const dashboard = await scratch({
      panels: [
        panelThatAsks(query, {
          type: 'stat',
          datasource: ours,
          options: { reduceOptions: { calcs: ['lastNotNull'], fields: '/^Power$/' } },
          fieldConfig: { defaults: { unit: 'watt' }, overrides: [] },
        }),
      ],
      time: { from: 'now-15m', to: 'now' },
    });
    await page.goto(`/d/${dashboard}`);
    const shown = page.locator('[data-viz-panel-key="panel-1"]');
    await expect(shown).toContainText('600');

    let asked = 0;
    page.on('request', (request) => {
      asked += request.url().includes('/api/ds/query') ? 1 : 0;
    });
    agent.draw(450);
    await expect(shown).toContainText('900');
    agent.draw(150);
    await expect(shown).toContainText('300');
    expect(asked, 'queries while it followed').toBe(0);
  });

  for (const theme of ['light', 'dark']) {
    test(`the live dashboard shows the GPUs of an agent: ${theme}`, async ({ anotherDataSource, page }) => {
      const dashboard = dashboards.find(({ name }) => name === 'live-gpus')!;
      const uid = await anotherDataSource({ gpuAgentUrl: address, gpuRegion: 'europe-north1' });
      await page.setViewportSize({ width: 1440, height: fullHeight(dashboard, 1440) });
      await page.goto(`/d/${dashboard.uid}?theme=${theme}&var-datasource=${uid}`);
      await expect(page.getByText('e2e-gpu-host').first()).toBeVisible();
      for (const power of [320, 410, 380]) {
        agent.draw(power);
        await expect(page.locator('[data-viz-panel-key="panel-1"]')).toContainText(String(2 * power));
      }
      expect(await faultsOf(page, dashboard)).toEqual([]);
      await page.screenshot({ path: `${artifacts}/screenshots/live-gpus-of-an-agent-${theme}.png` });
    });
  }
});
