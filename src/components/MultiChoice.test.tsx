import React from 'react';

import { render, screen } from '@testing-library/react';

import { MultiChoice } from './MultiChoice';

// The box of Grafana 12, which leaves out what names it.
jest.mock('@grafana/ui', () => ({
  ...jest.requireActual('@grafana/ui'),
  MultiCombobox: () => <input role="combobox" aria-labelledby="nowhere" />,
}));

describe('MultiChoice', () => {
  it('has a name where the box passes none on', () => {
    render(<MultiChoice id="teams" label="Team" labelWidth={16} options={[]} value={[]} onChange={jest.fn()} />);
    expect(screen.getByRole('combobox', { name: 'Team' })).toBeInTheDocument();
  });
});
