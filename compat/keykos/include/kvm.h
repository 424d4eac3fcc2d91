/*
 * kvm.h - the key of a virtual machine object.
 */
#ifndef _H_kvm
#define _H_kvm

#define KVM_AKT                    0x0066
#define KVMF_AKT                   0x0166
#define KVMF_CreateKVM             0
#define KVM_InstallClassLibrary    1
#define KVM_InstallFileDirectory   2
#define KVM_InstallCircuitKey      3
#define KVM_InstallTerminalKeys    4
#define KVM_InstallConsole         5
#define KVM_SetNameOfMain          6
#define KVM_StartApplication       7
#define KVM_StartApplicationFreeze 8
#define KVM_EnableDebug            42

#endif
