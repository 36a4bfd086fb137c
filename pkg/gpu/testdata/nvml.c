/* A management library for tests, as much of NVIDIA's as the reader calls. It has two
 * GPUs or as many as FAKE_GPUS says, the second without an energy counter and, where the file says so, a MIG
 * instance on the first. What it answers stands in the file that FAKE_NVML names, read
 * on each call: counter, power, lost, mig. Compiled with -DOLD it lacks what old
 * drivers lack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int ret;
typedef struct { int index; int mig; } device;
#define MOST 64
static device devices[MOST + 1];

/* FAKE_GPUS is how many there are; the last of all is the MIG instance. */
__attribute__((constructor)) static void number_devices(void) {
    for (int i = 0; i < MOST; i++) devices[i].index = i;
    devices[MOST].mig = 1;
}

static long long setting(const char *name, long long fallback) {
    const char *path = getenv("FAKE_NVML");
    FILE *f = path ? fopen(path, "r") : 0;
    char key[64];
    long long value, found = fallback;
    if (!f) return fallback;
    while (fscanf(f, "%63s %lld", key, &value) == 2)
        if (!strcmp(key, name)) found = value;
    fclose(f);
    return found;
}

static int lost(device *d) { return setting("lost", -1) == d->index; }

ret nvmlInit_v2(void) { return (ret)setting("init", 0); }
ret nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(ret r) { return r == 9 ? "Driver Not Loaded" : "an error of the fake"; }
ret nvmlSystemGetDriverVersion(char *v, unsigned n) { snprintf(v, n, "580.1"); return 0; }
ret nvmlDeviceGetCount_v2(unsigned *n) { *n = getenv("FAKE_GPUS") ? atoi(getenv("FAKE_GPUS")) : 2; return 0; }
ret nvmlDeviceGetHandleByIndex_v2(unsigned i, device **d) { *d = &devices[i]; return 0; }
ret nvmlDeviceGetUUID(device *d, char *v, unsigned n) { snprintf(v, n, "%s-%d", d->mig ? "MIG" : "GPU", d->index); return 0; }
ret nvmlDeviceGetName(device *d, char *v, unsigned n) { snprintf(v, n, "Fake H100"); return 0; }
ret nvmlDeviceGetTemperature(device *d, int sensor, unsigned *c) { *c = 40 + d->index; return lost(d) ? 15 : 0; }
ret nvmlDeviceGetPowerUsage(device *d, unsigned *mw) { *mw = (unsigned)setting("power", 300000); return lost(d) ? 15 : 0; }
ret nvmlDeviceGetTotalEnergyConsumption(device *d, unsigned long long *mj) {
    if (lost(d)) return 15;
    if (d->index == 1) return 3;
    *mj = (unsigned long long)setting("counter", 1000);
    return 0;
}
ret nvmlDeviceGetUtilizationRates(device *d, unsigned *rates) { rates[0] = 75; rates[1] = 10; return lost(d) ? 15 : 0; }
ret nvmlDeviceGetMemoryInfo(device *d, unsigned long long *m) { m[0] = 80ULL << 30; m[1] = 60ULL << 30; m[2] = 20ULL << 30; return 0; }
#ifndef OLD
ret nvmlDeviceGetSerial(device *d, char *v, unsigned n) { snprintf(v, n, "serial-%d", d->index); return 0; }
ret nvmlDeviceGetEnforcedPowerLimit(device *d, unsigned *mw) { *mw = 700000; return 0; }
ret nvmlDeviceGetMigMode(device *d, unsigned *now, unsigned *next) { *now = *next = d->index == 0 && setting("mig", 0); return 0; }
ret nvmlDeviceGetMaxMigDeviceCount(device *d, unsigned *n) { *n = 2; return 0; }
ret nvmlDeviceGetMigDeviceHandleByIndex(device *d, unsigned i, device **m) { *m = &devices[MOST]; return i == 0 ? 0 : 6; }
ret nvmlDeviceGetTotalEccErrors(device *d, int type, int counter, unsigned long long *n) { *n = type == 0 ? 7 : 0; return 0; }
#endif
