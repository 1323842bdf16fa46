// TorchScript functions, compiled from their source.
using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class jit
    {
        public class CompilationUnit : IDisposable
        {
            private readonly UnitHandle handle;

            internal CompilationUnit(nint handle) => this.handle = new UnitHandle(handle);

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (disposing) handle.Dispose();
            }

            /// <summary>Calls a function of the unit; arguments are tensors and numbers, the result is one tensor.</summary>
            public object invoke(string name, params object[] objs)
            {
                if (string.IsNullOrEmpty(name)) throw new ArgumentNullException("method name");
                ObjectDisposedException.ThrowIf(handle.IsClosed, this);
                Tensor result = Call(handle.DangerousGetHandle(), true, name, objs);
                GC.KeepAlive(this);
                return result;
            }

            public TResult invoke<TResult>(string name, params object[] inputs) => (TResult)invoke(name, inputs);

            public TResult invoke<T, TResult>(string name, params T[] inputs) =>
                (TResult)invoke(name, Array.ConvertAll(inputs, input => (object)input));

            private sealed class UnitHandle : SafeHandle
            {
                internal UnitHandle(nint unit) : base(0, ownsHandle: true) => SetHandle(unit);

                public override bool IsInvalid => handle == 0;

                protected override bool ReleaseHandle()
                {
                    Native.ard_jit_free_unit(handle);
                    return true;
                }
            }
        }

        public static CompilationUnit compile(string script)
        {
            if (string.IsNullOrEmpty(script)) throw new ArgumentNullException("empty script");
            Native.Check(Native.ard_jit_compile(script, out nint unit));
            return new CompilationUnit(unit);
        }
    }
}
