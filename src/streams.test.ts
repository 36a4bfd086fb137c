import {
  createDataFrame,
  DataQueryRequest,
  DataSourceInstanceSettings,
  dateTime,
  FieldType,
  StreamingFrameAction,
} from '@grafana/data';
import { DataSourceWithBackend, setGrafanaLiveSrv, TemplateSrv } from '@grafana/runtime';
import { lastValueFrom, of, throwError, toArray } from 'rxjs';

import { DataSource } from './datasource';
import { WattScoreOptions, WattScoreQuery } from './types';

const templateSrv = { replace: (text: string) => text, getVariables: () => [] } as unknown as TemplateSrv;
const datasource = new DataSource(
  { id: 1, uid: 'watt', jsonData: {} } as unknown as DataSourceInstanceSettings<WattScoreOptions>,
  templateSrv
);

const asked = jest.spyOn(DataSourceWithBackend.prototype, 'query');
const getDataStream = jest.fn();
setGrafanaLiveSrv({ getDataStream } as never);

const request = (to: number, ...targets: WattScoreQuery[]) =>
  ({
    requestId: 'Q1',
    targets,
    scopedVars: {},
    range: { from: dateTime(0), to: dateTime(to) },
  }) as unknown as DataQueryRequest<WattScoreQuery>;
const gpus: WattScoreQuery = { refId: 'A', queryType: 'gpuLive', format: 'time_series', options: { live: true } };
const score: WattScoreQuery = { refId: 'B', queryType: 'energyScore' };

beforeEach(() => {
  jest.clearAllMocks();
  asked.mockImplementation(() => of({ data: ['answered'] }));
  getDataStream.mockImplementation(() => of({ data: ['streamed'] }));
  datasource.postResource = jest.fn().mockResolvedValue({ path: 'gpuLive/abc' });
});

const answersTo = (r: DataQueryRequest<WattScoreQuery>) => lastValueFrom(datasource.query(r).pipe(toArray()));

describe('query', () => {
  it('follows what is live on its own channel and asks the rest', async () => {
    const answers = await answersTo(request(Date.now(), gpus, score));
    expect(answers).toEqual(expect.arrayContaining([{ data: ['streamed'] }, { data: ['answered'] }]));
    const [{ addr, buffer, key }] = getDataStream.mock.calls[0];
    expect(addr).toMatchObject({ scope: 'ds', namespace: 'watt', path: 'gpuLive/abc', data: { queryType: 'gpuLive' } });
    expect(addr.data).toEqual((datasource.postResource as jest.Mock).mock.calls[0][1]);
    expect(addr.data).not.toHaveProperty('refId');
    expect(buffer.action).toBe(StreamingFrameAction.Append);
    expect(key).toBe('Q1.A');
    expect(asked.mock.calls.map(([{ targets }]) => targets)).toEqual(expect.arrayContaining([[score], [gpus]]));
  });

  it('asks for each past by an id of its own, as Grafana cancels what has the id of another', async () => {
    await answersTo(request(Date.now(), gpus, { ...gpus, refId: 'C', metric: 'utilization' }, score));
    const ids = asked.mock.calls.map(([{ requestId }]) => requestId);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(3);
  });

  it('begins a chart with what its query answers', async () => {
    const frame = createDataFrame({
      fields: [
        { name: 'time', type: FieldType.time, values: [1, 2] },
        { name: 'power_w GPU-1', type: FieldType.number, labels: { gpu: '0' }, values: [300, 310] },
      ],
    });
    asked.mockImplementation(() => of({ data: [frame] }));
    await answersTo(request(Date.now(), gpus));
    const { schema, data } = getDataStream.mock.calls[0][0].frame;
    expect(schema.fields[1]).toMatchObject({ name: 'power_w GPU-1', labels: { gpu: '0' } });
    expect(data.values).toEqual([
      [1, 2],
      [300, 310],
    ]);
  });

  it.each([
    ['answers nothing', () => of({ data: [] })],
    ['answers no row', () => of({ data: [createDataFrame({ fields: [] })] })],
    ['fails', () => throwError(() => new Error('no answer'))],
  ])('follows a chart whose query %s', async (_, answer) => {
    asked.mockImplementation(answer as never);
    expect(await answersTo(request(Date.now(), gpus))).toEqual([{ data: ['streamed'] }]);
    expect(getDataStream.mock.calls[0][0].frame).toBeUndefined();
  });

  it('replaces the rows of a table', async () => {
    await answersTo(request(Date.now(), { ...gpus, format: 'table' }));
    expect(asked).not.toHaveBeenCalled();
    expect(getDataStream.mock.calls[0][0].buffer.action).toBe(StreamingFrameAction.Replace);
  });

  it.each([
    ['a range that is over', request(Date.now() - 3_600_000, gpus)],
    ['a panel that is not live', request(Date.now(), { ...gpus, options: {} })],
    ['a type that is not streamed', request(Date.now(), { ...score, options: { live: true } as never })],
  ])('asks once for %s', async (_, once) => {
    await answersTo(once);
    expect(getDataStream).not.toHaveBeenCalled();
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('asks once where streams are not to be had', async () => {
    getDataStream.mockImplementation(() => throwError(() => new Error('no live')));
    expect(await answersTo(request(Date.now(), gpus))).toEqual([{ data: ['answered'] }]);
  });
});
