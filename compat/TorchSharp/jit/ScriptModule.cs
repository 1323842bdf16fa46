// TorchScript programs: loaded from a file, called with tensors, with parameters and buffers that are the program's own.
using TorchSharp.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class jit
    {
        private static Tensor Call(nint program, bool isUnit, string name, object[] objs)
        {
            Arg[] arguments = Array.ConvertAll(objs, value => value switch
            {
                null => Arg.None,
                Tensor tensor => tensor,
                Scalar scalar => scalar,
                long number => number,
                int number => number,
                double number => number,
                float number => (double)number,
                bool flag => flag,
                _ => throw new NotSupportedException(
                    $"An argument of type {value.GetType().Name} cannot be given to a TorchScript program here."),
            });
            return Dispatch.CallScript(program, isUnit, name, arguments) ?? throw new NotSupportedException(
                $"The TorchScript method '{name}' does not return one tensor; other results are not supported here.");
        }

        public class ScriptModule : nn.Module, IDisposable
        {
            private readonly ProgramHandle handle;

            internal ScriptModule(nint handle) : base(nameof(ScriptModule))
            {
                this.handle = new ProgramHandle(handle);
                foreach (var (name, tensor) in Tensors(buffers: 0))
                    register_parameter(name, (Parameter)new Parameter(tensor, tensor.requires_grad).DetachFromDisposeScope());
                foreach (var (name, tensor) in Tensors(buffers: 1)) register_buffer(name, tensor.DetachFromDisposeScope());
            }

            private nint Program =>
                !handle.IsClosed ? handle.DangerousGetHandle() : throw new ObjectDisposedException(nameof(ScriptModule));

            private IEnumerable<(string, Tensor)> Tensors(int buffers)
            {
                for (int i = 0; ; i++)
                {
                    Native.Check(Native.ard_jit_tensor_at(Program, buffers, i, out nint name, out long tensor));
                    if (name == 0) yield break;
                    yield return (System.Runtime.InteropServices.Marshal.PtrToStringUTF8(name), new Tensor(tensor));
                }
            }

            public override bool training => Native.ard_jit_is_training(Program) != 0;

            public override void train(bool on = true) => Native.Check(Native.ard_jit_train(Program, on ? 1 : 0));

            public override void eval() => train(false);

            // libtorch moves the tensors of the program in place, so those registered here follow.
            protected override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) =>
                Move((int)device.type, device.index, (int)dtype);

            protected override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                Move((int)deviceType, deviceIndex, -1);

            protected override nn.Module _to(ScalarType dtype, bool non_blocking) => Move(-1, -1, (int)dtype);

            private ScriptModule Move(int deviceType, int deviceIndex, int dtype)
            {
                Native.Check(Native.ard_jit_to(Program, deviceType, deviceIndex, dtype));
                return this;
            }

            public object forward(params object[] input) => invoke("forward", input);

            public object call(params object[] input) => forward(input);

            public TResult invoke<TResult>(string name, params object[] inputs) => (TResult)invoke(name, inputs);

            public TResult invoke<T, TResult>(string name, params T[] inputs) =>
                (TResult)invoke(name, Array.ConvertAll(inputs, input => (object)input));

            /// <summary>Calls a method of the program; arguments are tensors and numbers, the result is one tensor.</summary>
            public object invoke(string name, params object[] objs)
            {
                Tensor result = Call(Program, false, name, objs);
                GC.KeepAlive(this);
                return result;
            }

            private protected override void Release() => handle.Dispose();

            private sealed class ProgramHandle : System.Runtime.InteropServices.SafeHandle
            {
                internal ProgramHandle(nint program) : base(0, ownsHandle: true) => SetHandle(program);

                public override bool IsInvalid => handle == 0;

                protected override bool ReleaseHandle()
                {
                    Native.ard_jit_free(handle);
                    return true;
                }
            }
        }

        public class HookableScriptModule<TPreHook, TPostHook> : ScriptModule
        {
            internal HookableScriptModule(nint handle) : base(handle) { }
        }

        public class ScriptModule<T, TResult> :
            HookableScriptModule<Func<ScriptModule<T, TResult>, T, T>, Func<ScriptModule<T, TResult>, T, TResult, TResult>>,
            nn.IModule<T, TResult>
        {
            internal ScriptModule(nint handle) : base(handle) { }

            public TResult call(T input) => forward(input);

            public TResult forward(T tensor) => (TResult)invoke("forward", tensor);
        }

        public class ScriptModule<T1, T2, TResult> :
            HookableScriptModule<
                Func<ScriptModule<T1, T2, TResult>, T1, T2, (T1, T2)?>, Func<ScriptModule<T1, T2, TResult>, T1, T2, TResult, TResult>>,
            nn.IModule<T1, T2, TResult>
        {
            internal ScriptModule(nint handle) : base(handle) { }

            public TResult call(T1 input1, T2 input2) => forward(input1, input2);

            public TResult forward(T1 input1, T2 input2) => (TResult)invoke("forward", (object)input1, input2);
        }

        public static ScriptModule load(string filename, DeviceType device_type = DeviceType.CPU, long device_index = -1) =>
            new(Open(filename, device_type, device_index));

        public static ScriptModule load(string filename, Device map_location) => load(filename, map_location.type, map_location.index);

        public static ScriptModule load(string filename, string map_location) => load(filename, new Device(map_location));

        public static ScriptModule<T1, TResult> load<T1, TResult>(
            string filename, DeviceType device_type = DeviceType.CPU, long device_index = -1) =>
            new(Open(filename, device_type, device_index));

        public static ScriptModule<T1, TResult> load<T1, TResult>(string filename, Device map_location) =>
            load<T1, TResult>(filename, map_location.type, map_location.index);

        public static ScriptModule<T1, TResult> load<T1, TResult>(string filename, string map_location) =>
            load<T1, TResult>(filename, new Device(map_location));

        public static ScriptModule<T1, T2, TResult> load<T1, T2, TResult>(
            string filename, DeviceType device_type = DeviceType.CPU, long device_index = -1) =>
            new(Open(filename, device_type, device_index));

        public static ScriptModule<T1, T2, TResult> load<T1, T2, TResult>(string filename, Device map_location) =>
            load<T1, T2, TResult>(filename, map_location.type, map_location.index);

        public static ScriptModule<T1, T2, TResult> load<T1, T2, TResult>(string filename, string map_location) =>
            load<T1, T2, TResult>(filename, new Device(map_location));

        private static nint Open(string filename, DeviceType type, long index)
        {
            if (!File.Exists(filename)) throw new FileNotFoundException(filename);
            Native.Check(Native.ard_jit_load(filename, (int)type, (int)index, out nint handle));
            return handle;
        }
    }
}
