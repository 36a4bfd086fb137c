import React, { useState } from 'react';

import { DataSourceSettings } from '@grafana/data';
import * as ui from '@grafana/ui';
import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { TLSMode, WattScoreOptions, WattScoreSecureOptions } from '../types';
import { ConfigEditor } from './ConfigEditor';

type Settings = DataSourceSettings<WattScoreOptions, WattScoreSecureOptions>;

function show(jsonData: WattScoreOptions, secureJsonFields: Record<string, boolean> = {}) {
  const onOptionsChange = jest.fn();
  const options = { jsonData, secureJsonFields, secureJsonData: {} } as unknown as Settings;
  render(<ConfigEditor options={options} onOptionsChange={onOptionsChange} />);
  return { onOptionsChange, options };
}

// What jsdom does not have and an open list asks for.
beforeAll(() => {
  globalThis.IntersectionObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  } as unknown as typeof IntersectionObserver;
});

afterEach(() => jest.restoreAllMocks());

describe('ConfigEditor', () => {
  it('stores what is typed under its own name', async () => {
    const { onOptionsChange } = show({});
    await userEvent.type(screen.getByPlaceholderText('db.example.com:5432'), 'd');
    expect(onOptionsChange).toHaveBeenCalledWith(expect.objectContaining({ jsonData: { host: 'd' } }));
  });

  it('keeps the password out of the plain settings', async () => {
    const { onOptionsChange } = show({});
    await userEvent.type(screen.getByPlaceholderText('password'), 'x');
    expect(onOptionsChange).toHaveBeenCalledWith(
      expect.objectContaining({ jsonData: {}, secureJsonData: { password: 'x' } })
    );
  });

  it('shows that a password is stored and lets it be reset', async () => {
    const { onOptionsChange } = show({}, { password: true });
    await userEvent.click(screen.getByRole('button', { name: /reset/i }));
    expect(onOptionsChange).toHaveBeenCalledWith(expect.objectContaining({ secureJsonFields: { password: false } }));
  });

  it('stores numbers as numbers and an empty field as none', async () => {
    const { onOptionsChange } = show({ maxConnections: 5 });
    await userEvent.clear(screen.getByPlaceholderText('8'));
    expect(onOptionsChange).toHaveBeenCalledWith(expect.objectContaining({ jsonData: { maxConnections: undefined } }));
    await userEvent.type(screen.getByPlaceholderText('100'), '9');
    expect(onOptionsChange).toHaveBeenLastCalledWith(
      expect.objectContaining({ jsonData: { maxConnections: 5, carbonPriceUsdPerTonne: 9 } })
    );
  });

  it('stores the month in which fiscal years begin', async () => {
    const { onOptionsChange } = show({ fiscalYearStartMonth: 10 });
    const field = screen.getByRole('combobox', { name: /^Fiscal year/ });
    expect(field).toHaveValue('October');
    await userEvent.type(field, 'Febr{ArrowDown}{Enter}');
    expect(onOptionsChange).toHaveBeenLastCalledWith(
      expect.objectContaining({ jsonData: { fiscalYearStartMonth: 2 } })
    );
  });

  it.each([
    ['disable', 0],
    ['require', 2],
    ['verify-full', 3],
  ] as const)('asks for the certificates that %s needs', (tlsMode, certificates) => {
    show({ tlsMode });
    expect(screen.queryAllByPlaceholderText(/-----BEGIN/)).toHaveLength(certificates);
  });

  it('stores a choice once, though the list tells of it again to the function of when it was made', async () => {
    const told: Array<(choice: { value: TLSMode }) => void> = [];
    jest.spyOn(ui, 'Combobox').mockImplementation((props) => {
      if (props.id === 'wattscore-config-tlsMode') {
        told.push(props.onChange as (typeof told)[number]);
      }
      return <></>;
    });
    const stored = jest.fn();
    const Page = () => {
      const [options, setOptions] = useState({ jsonData: { host: 'db' } } as Settings);
      stored(options.jsonData.tlsMode);
      return <ConfigEditor options={options} onOptionsChange={setOptions} />;
    };
    render(<Page />);
    for (let again = 0; again < 3; again++) {
      await act(async () => told[0]({ value: 'disable' }));
    }
    expect(stored.mock.calls.flat()).toEqual([undefined, 'disable']);
  });

  it('warns of a user that may do everything', () => {
    show({ user: 'postgres' });
    expect(screen.getByText(/can change and delete everything/)).toBeInTheDocument();
  });
});
