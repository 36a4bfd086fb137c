// A stand-in for NVIDIA's management library, so that reading GPUs can be tested
// through a real dlopen on a machine that has none. What its devices do stands in
// a file of 64-bit numbers that the test writes and this maps: see the enums.
//
// Compiled with -DOLD it lacks what drivers before 2020 lack.
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include "nvml.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GPUS = 16, INSTANCES = 7, HEADER = 16, CELLS = 16 };
enum { INIT_RETURNS, COUNT, CRASH };
enum { RETURNS, POWER_MW, ENERGY_MJ, LIMIT_MW, UTILIZATION, MEMORY_USED, TEMPERATURE, MIG_INSTANCES, HANG, MODULE_ONLY, ECC, REMAPPED, PID, REASONS };

static volatile int64_t *state;

// A handle points at one of these: a GPU, or one of its instances.
struct handle { int gpu, instance; };
static struct handle handles[GPUS][INSTANCES + 1];

static const struct handle *of(nvmlDevice_t device) { return (const struct handle *)device.handle; }

static int64_t cell(nvmlDevice_t device, int number) { return state[HEADER + of(device)->gpu * CELLS + number]; }

// answer is what every call about a device does first.
static nvmlReturn_t answer(nvmlDevice_t device) {
    while (cell(device, HANG)) usleep(1000);
    return (nvmlReturn_t)cell(device, RETURNS);
}

// measure gives a number, or that there is none where it is negative.
#define MEASURE(device, number, out)                                    \
    do {                                                                \
        nvmlReturn_t answered = answer(device);                         \
        if (answered != NVML_SUCCESS) return answered;                  \
        int64_t value = cell(device, number);                           \
        if (value < 0) return NVML_ERROR_NOT_SUPPORTED;                 \
        *(out) = value;                                                 \
        return NVML_SUCCESS;                                            \
    } while (0)

#define NOT_OF_INSTANCES(device) do { if (of(device)->instance) return NVML_ERROR_NOT_SUPPORTED; } while (0)

static nvmlReturn_t text(char *out, unsigned int length, const char *format, int a, int b) {
    snprintf(out, length, format, a, b);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlInit_v2(void) {
    const char *path = getenv("FAKE_NVML_STATE");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0) return NVML_ERROR_DRIVER_NOT_LOADED;
    state = mmap(NULL, (HEADER + GPUS * CELLS) * sizeof *state, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (state == MAP_FAILED) return NVML_ERROR_UNKNOWN;
    return (nvmlReturn_t)state[INIT_RETURNS];
}

nvmlReturn_t nvmlShutdown(void) { return NVML_SUCCESS; }

const char *nvmlErrorString(nvmlReturn_t result) {
    static char words[32];
    snprintf(words, sizeof words, "Fake error %d", result);
    return words;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length) { return text(version, length, "%d.65.%02d", 580, 6); }

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count) { *count = state[COUNT]; return NVML_SUCCESS; }

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
    handles[index][0] = (struct handle){ .gpu = index };
    device->handle = (void *)&handles[index][0];
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length) {
    const struct handle *h = of(device);
    return h->instance ? text(uuid, length, "MIG-%d-%d", h->gpu, h->instance) : text(uuid, length, "GPU-%d", h->gpu, 0);
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length) {
    return text(name, length, of(device)->instance ? "NVIDIA Fake MIG 1g.10gb" : "NVIDIA Fake", 0, 0);
}

nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t device, char *serial, unsigned int length) { return text(serial, length, "SN%d", of(device)->gpu, 0); }

nvmlReturn_t nvmlDeviceGetVbiosVersion(nvmlDevice_t device, char *version, unsigned int length) { return text(version, length, "96.00.%d", 1, 0); }

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) {
    memset(pci, 0, sizeof *pci);
    pci->bus = 0x40 + of(device)->gpu;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *power) {
    if (state[CRASH]) *(volatile int *)16 = 1;
    NOT_OF_INSTANCES(device);
    MEASURE(device, POWER_MW, power);
}

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *limit) { MEASURE(device, LIMIT_MW, limit); }

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilization) {
    if (cell(device, MIG_INSTANCES) > 0) return NVML_ERROR_NOT_SUPPORTED;
    utilization->memory = 0;
    MEASURE(device, UTILIZATION, &utilization->gpu);
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    memory->total = 80LL << 30;
    memory->free = 0;
    MEASURE(device, MEMORY_USED, &memory->used);
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned int *temperature) {
    NOT_OF_INSTANCES(device);
    MEASURE(device, TEMPERATURE, temperature);
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, nvmlMemoryErrorType_t kind, nvmlEccCounterType_t counter, unsigned long long *count) {
    MEASURE(device, ECC, count);
}

// A process list is answered in two calls: how long it is, and then the list.
#define PROCESSES(device, count, infos)                                 \
    do {                                                                \
        nvmlReturn_t answered = answer(device);                         \
        if (answered != NVML_SUCCESS) return answered;                  \
        int64_t pid = cell(device, PID);                                \
        unsigned int room = *(count);                                   \
        *(count) = pid > 0 ? 2 : 0;                                     \
        if (room < *(count)) return NVML_ERROR_INSUFFICIENT_SIZE;       \
        if (pid > 0) {                                                  \
            memset(infos, 0, 2 * sizeof *(infos));                      \
            (infos)[0].pid = pid;                                       \
            (infos)[0].usedGpuMemory = 1 << 30;                         \
            (infos)[1].pid = pid + 1;                                   \
            (infos)[1].usedGpuMemory = NVML_VALUE_NOT_AVAILABLE;        \
        }                                                               \
        return NVML_SUCCESS;                                            \
    } while (0)

#ifdef OLD

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_v1_t *infos) { PROCESSES(device, count, infos); }

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *reasons) { MEASURE(device, REASONS, reasons); }

#else

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *energy) {
    NOT_OF_INSTANCES(device);
    MEASURE(device, ENERGY_MJ, energy);
}

nvmlReturn_t nvmlDeviceGetBoardPartNumber(nvmlDevice_t device, char *number, unsigned int length) { return text(number, length, "900-2G5%02d", 20, 0); }

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
    memory->total = 80LL << 30;
    MEASURE(device, MEMORY_USED, &memory->used);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *reasons) { MEASURE(device, REASONS, reasons); }

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned int *corrected, unsigned int *uncorrected, unsigned int *pending, unsigned int *failed) {
    *uncorrected = 1;
    *pending = 1;
    *failed = 0;
    MEASURE(device, REMAPPED, corrected);
}

nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, nvmlPageRetirementCause_t cause, unsigned int *count, unsigned long long *addresses) {
    *count = 1;
    addresses[0] = 4096;
    return answer(device);
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) { PROCESSES(device, count, infos); }

nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, nvmlProcessUtilizationSample_t *samples, unsigned int *count, unsigned long long since) {
    int64_t pid = cell(device, PID);
    if (pid <= 0 || of(device)->instance) return NVML_ERROR_NOT_SUPPORTED;
    if (since >= 2000) return NVML_ERROR_NOT_FOUND;
    if (samples == NULL) { *count = 2; return NVML_ERROR_INSUFFICIENT_SIZE; }
    memset(samples, 0, 2 * sizeof *samples);
    samples[0] = (nvmlProcessUtilizationSample_t){ .pid = pid, .timeStamp = 2000, .smUtil = 75 };
    samples[1] = (nvmlProcessUtilizationSample_t){ .pid = pid, .timeStamp = 1000, .smUtil = 10 };
    *count = 2;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values) {
    for (int i = 0; i < count; i++) {
        nvmlFieldValue_t *v = &values[i];
        v->nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
        if (v->fieldId == NVML_FI_DEV_POWER_INSTANT && v->scopeId == (unsigned int)cell(device, MODULE_ONLY)) {
            v->nvmlReturn = NVML_SUCCESS;
            v->valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
            v->value.uiVal = 555000;
        }
        if (v->fieldId == NVML_FI_DEV_PERF_POLICY_THERMAL || v->fieldId == NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN) {
            v->nvmlReturn = NVML_SUCCESS;
            v->valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
            v->value.ullVal = v->fieldId == NVML_FI_DEV_PERF_POLICY_THERMAL ? 7000000000 : 3000000000;
        }
    }
    return answer(device);
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending) {
    *current = *pending = cell(device, MIG_INSTANCES) > 0;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) { *count = INSTANCES; return NVML_SUCCESS; }

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *instance) {
    if (index >= cell(device, MIG_INSTANCES)) return NVML_ERROR_NOT_FOUND;
    int gpu = of(device)->gpu;
    handles[gpu][index + 1] = (struct handle){ .gpu = gpu, .instance = index + 1 };
    instance->handle = (void *)&handles[gpu][index + 1];
    return NVML_SUCCESS;
}

#endif
