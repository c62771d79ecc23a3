/*
 * The limit of a key: C_Sign in a loop, in one or more sessions with a thread each, and nothing else. The PIN comes by standard input.
 * raw-sign MODULE TOKEN-SERIAL KEY-LABEL MECHANISM(hex) LENGTH SESSIONS SECONDS; prints signatures a second.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkcs11.h"

static CK_FUNCTION_LIST_PTR p11;
static CK_SLOT_ID slot;
static CK_MECHANISM mechanism;
static CK_BYTE message[64];
static CK_ULONG message_length;
static const char *label;
static double seconds;

static void check(CK_RV rv, const char *what) {
  if (rv == CKR_OK) return;
  fprintf(stderr, "%s: 0x%lx\n", what, (unsigned long)rv);
  exit(1);
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static void *sign(void *done) {
  CK_SESSION_HANDLE session;
  check(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR, &session), "C_OpenSession");
  CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &object_class, sizeof object_class}, {CKA_LABEL, (void *)label, strlen(label)}};
  CK_OBJECT_HANDLE key;
  CK_ULONG found = 0;
  check(p11->C_FindObjectsInit(session, wanted, 2), "C_FindObjectsInit");
  check(p11->C_FindObjects(session, &key, 1, &found), "C_FindObjects");
  check(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
  if (found != 1) {
    fprintf(stderr, "no key %s\n", label);
    exit(1);
  }
  CK_BYTE signature[1024];
  double end = now() + seconds;
  long count = 0;
  while (now() < end) {
    CK_ULONG length = sizeof signature;
    check(p11->C_SignInit(session, &mechanism, key), "C_SignInit");
    check(p11->C_Sign(session, message, message_length, signature, &length), "C_Sign");
    count++;
  }
  *(long *)done = count;
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 8) return 2;
  void *module = dlopen(argv[1], RTLD_NOW);
  if (!module) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  CK_C_GetFunctionList list = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
  check(list(&p11), "C_GetFunctionList");
  CK_C_INITIALIZE_ARGS locking;
  memset(&locking, 0, sizeof locking);
  locking.flags = CKF_OS_LOCKING_OK;
  check(p11->C_Initialize(&locking), "C_Initialize");
  label = argv[3];
  mechanism.mechanism = strtoul(argv[4], NULL, 16);
  message_length = strtoul(argv[5], NULL, 10);
  memset(message, 7, sizeof message);
  int sessions = atoi(argv[6]);
  seconds = atof(argv[7]);

  CK_SLOT_ID slots[16];
  CK_ULONG count = 16;
  int known = 0;
  check(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
  for (CK_ULONG at = 0; at < count; at++) {
    CK_TOKEN_INFO info;
    if (p11->C_GetTokenInfo(slots[at], &info) != CKR_OK) continue;
    if (strncmp((const char *)info.serialNumber, argv[2], 16) == 0) {
      slot = slots[at];
      known = 1;
    }
  }
  if (!known) {
    fprintf(stderr, "no token of serial %s\n", argv[2]);
    return 1;
  }
  char pin[128];
  size_t pin_length = fread(pin, 1, sizeof pin, stdin);
  CK_SESSION_HANDLE holder;
  check(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR, &holder), "C_OpenSession");
  check(p11->C_Login(holder, CKU_USER, (CK_UTF8CHAR_PTR)pin, pin_length), "C_Login");
  memset(pin, 0, sizeof pin);

  pthread_t threads[16];
  long done[16] = {0};
  long sum = 0;
  double begun = now();
  for (int at = 0; at < sessions; at++) pthread_create(&threads[at], NULL, sign, &done[at]);
  for (int at = 0; at < sessions; at++) {
    pthread_join(threads[at], NULL);
    sum += done[at];
  }
  printf("%.1f\n", sum / (now() - begun));
  p11->C_Finalize(NULL_PTR);
  return 0;
}
