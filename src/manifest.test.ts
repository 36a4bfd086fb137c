import { lstatSync, readFileSync } from 'fs';
import { join } from 'path';

const root = join(__dirname, '..');

describe('the manifest', () => {
  it('is one file: the build tools read it through a link', () => {
    expect(lstatSync(join(root, 'src/plugin.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(root, 'src/plugin.json'), 'utf8')).toBe(readFileSync(join(root, 'plugin.json'), 'utf8'));
  });

  it('shows pictures that exist', () => {
    const { screenshots } = JSON.parse(readFileSync(join(root, 'plugin.json'), 'utf8')).info;
    expect(screenshots).not.toHaveLength(0);
    for (const { path } of screenshots) {
      expect(
        readFileSync(join(root, 'src', path))
          .subarray(1, 4)
          .toString()
      ).toBe('PNG');
    }
  });

  it('includes dashboards that exist', () => {
    const { includes } = JSON.parse(readFileSync(join(root, 'plugin.json'), 'utf8'));
    expect(includes).not.toHaveLength(0);
    for (const { path } of includes) {
      expect(JSON.parse(readFileSync(join(root, path), 'utf8')).title).toMatch(/^WattScore · /);
    }
  });
});
