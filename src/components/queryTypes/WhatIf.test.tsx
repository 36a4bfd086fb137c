import React from 'react';

import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { DataSource } from '../../datasource';
import { Scenario, WhatIfOptions } from '../../types';
import { kinds } from './scenarioKinds';
import { whatIf } from './WhatIf';

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getTemplateSrv: () => ({ getVariables: () => [{ type: 'query', name: 'place' }] }),
}));

const members = jest.fn((dimension: string) =>
  Promise.resolve(
    (dimension === 'region' ? ['europe-north1', 'us-central1'] : ['big', 'small']).map((value) => ({
      value,
      label: value,
    }))
  )
);
const datasource = { members } as unknown as DataSource;

beforeAll(() => {
  // An opened drop-down watches its entries; jsdom has nothing to watch with, and draws none.
  window.IntersectionObserver = jest.fn(() => ({ observe: jest.fn(), disconnect: jest.fn() })) as never;
});

/** Shows the editor as Grafana does, which hands back what was stored. */
function show(initial: WhatIfOptions) {
  const stored = jest.fn();
  function Panel() {
    const [options, setOptions] = React.useState(initial);
    return (
      <whatIf.Options
        options={options}
        format="table"
        datasource={datasource}
        onChange={(changed) => {
          stored(changed);
          setOptions(changed);
        }}
      />
    );
  }
  render(<Panel />);
  return stored;
}

async function enter(label: string, text: string) {
  const input = screen.getByRole('textbox', { name: label });
  await userEvent.clear(input);
  if (text) {
    // Braces are keys to userEvent.
    await userEvent.type(input, text.replace(/[{[]/g, '$&$&'));
  }
  await userEvent.tab();
}

/** Chooses with the keyboard, which needs no entry to be drawn. */
async function choose(label: string, typed: string) {
  const input = screen.getByRole('combobox', { name: label });
  await userEvent.click(input);
  await userEvent.type(input, typed.replace(/[{[]/g, '$&$&'));
  await act(() => new Promise((settled) => setTimeout(settled, 300)));
  await userEvent.keyboard('{ArrowDown}{Enter}');
}

/** Goes down the list of kinds, which begins where the current one is. */
async function chooseKind(steps: number) {
  await userEvent.click(screen.getByRole('combobox', { name: 'Scenario 1: kind' }));
  await userEvent.keyboard('{ArrowDown}'.repeat(steps) + '{Enter}');
}

describe('the editor of what-ifs', () => {
  it('shows the question that is asked when nothing is stored', () => {
    const stored = show({});
    expect(screen.getByRole('textbox', { name: 'Scenario 1: Less energy by (%)' })).toHaveValue('15');
    expect(screen.queryByRole('button', { name: 'Remove scenario 1' })).not.toBeInTheDocument();
    expect(stored).not.toHaveBeenCalled();
  });

  it.each(kinds.map(({ value, fields }) => [value, fields] as const))('shows only the fields of %s', (kind, fields) => {
    show({ scenarios: [{ kind }] });
    const group = within(screen.getByRole('group', { name: 'Scenario 1' }));
    for (const { label, members } of fields) {
      const role = members ? 'combobox' : 'textbox';
      expect(group.getByRole(role, { name: `Scenario 1: ${label}` })).toBeInTheDocument();
    }
    expect(group.getByRole('combobox', { name: 'Scenario 1: kind' })).toBeInTheDocument();
    expect(group.getByRole('textbox', { name: 'Scenario 1: Name' })).toBeInTheDocument();
    expect([...group.getAllByRole('textbox'), ...group.getAllByRole('combobox')]).toHaveLength(fields.length + 2);
  });

  it('stores a number as a number and a variable as it is typed', async () => {
    const stored = show({});
    await enter('Scenario 1: Less energy by (%)', '20');
    expect(stored).toHaveBeenLastCalledWith({ scenarios: [{ kind: 'efficiency', percent: 20 }] });
    await enter('Scenario 1: Less energy by (%)', '${percent}');
    expect(stored).toHaveBeenLastCalledWith({ scenarios: [{ kind: 'efficiency', percent: '${percent}' }] });
    await enter('Scenario 1: Name', 'Quantise');
    expect(stored).toHaveBeenLastCalledWith({
      scenarios: [{ kind: 'efficiency', percent: '${percent}', name: 'Quantise' }],
    });
  });

  it('does not store a field that was left as it was, nor one that is empty', async () => {
    const stored = show({ scenarios: [{ kind: 'gpuUpgrade', units: 3, energyReductionPercent: 40 }] });
    await userEvent.click(screen.getByRole('textbox', { name: 'Scenario 1: Units' }));
    await userEvent.tab();
    expect(stored).not.toHaveBeenCalled();
    await enter('Scenario 1: Units', '');
    expect(stored).toHaveBeenLastCalledWith({ scenarios: [{ kind: 'gpuUpgrade', energyReductionPercent: 40 }] });
  });

  it('adds scenarios and removes the one that is meant, each field named once', async () => {
    const stored = show({
      scenarios: [
        { kind: 'efficiency', percent: 10 },
        { kind: 'efficiency', percent: 20 },
      ],
    });
    await userEvent.click(screen.getByRole('button', { name: 'Add scenario' }));
    const three: Scenario[] = [10, 20, 15].map((percent) => ({ kind: 'efficiency', percent }));
    expect(stored).toHaveBeenLastCalledWith({ scenarios: three });
    const labels = screen.getAllByRole('textbox').map((field) => field.getAttribute('aria-label'));
    expect(new Set(labels).size).toBe(labels.length);
    await userEvent.click(screen.getByRole('button', { name: 'Remove scenario 1' }));
    expect(stored).toHaveBeenLastCalledWith({ scenarios: three.slice(1) });
    expect(screen.getByRole('textbox', { name: 'Scenario 1: Less energy by (%)' })).toHaveValue('20');
  });

  it("changes the kind and leaves the other kind's fields behind", async () => {
    const stored = show({ scenarios: [{ kind: 'efficiency', percent: 10, name: 'Ours' }] });
    await chooseKind(4);
    expect(stored).toHaveBeenLastCalledWith({ scenarios: [{ kind: 'pue', pue: 1.1, name: 'Ours' }] });
  });

  it('offers the regions in use and the variables of the dashboard', async () => {
    const stored = show({ scenarios: [{ kind: 'regionMove' }] });
    await choose('Scenario 1: To region', 'europe-north1');
    expect(stored).toHaveBeenLastCalledWith({ scenarios: [{ kind: 'regionMove', toRegion: 'europe-north1' }] });
    expect(members).toHaveBeenCalledWith('region');
    await choose('Scenario 1: From region', '${place}');
    expect(stored).toHaveBeenLastCalledWith({
      scenarios: [{ kind: 'regionMove', fromRegion: '${place}', toRegion: 'europe-north1' }],
    });
  });

  it('offers the models', async () => {
    const stored = show({ scenarios: [{ kind: 'modelSwap', fromModel: 'big' }] });
    await choose('Scenario 1: To model', 'small');
    expect(members).toHaveBeenCalledWith('model');
    expect(stored).toHaveBeenLastCalledWith({
      scenarios: [{ kind: 'modelSwap', fromModel: 'big', toModel: 'small' }],
    });
  });

  it('asks for the discount rate only where something is invested', async () => {
    const stored = show({ scenarios: [{ kind: 'gpuUpgrade', energyReductionPercent: 40 }] });
    await enter('Discount rate (%)', '6');
    expect(stored).toHaveBeenLastCalledWith({
      scenarios: [{ kind: 'gpuUpgrade', energyReductionPercent: 40 }],
      discountRatePercent: 6,
    });
    await chooseKind(1);
    expect(stored).toHaveBeenLastCalledWith({ scenarios: [{ kind: 'pue', pue: 1.1 }], discountRatePercent: 6 });
    expect(screen.queryByRole('textbox', { name: 'Discount rate (%)' })).not.toBeInTheDocument();
  });
});
