using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public class Generator : IDisposable
    {
        private nint handle;

        public Generator(ulong seed = 0, Device device = null)
        {
            this.device = device ?? CPU;
            InitializeDeviceType(this.device.type);
            Native.Check(Native.ard_generator_new((int)this.device.type, this.device.index, seed, out handle));
        }

        private Generator(Device device)
        {
            this.device = device;
            Native.Check(Native.ard_generator_default((int)device.type, device.index, out handle));
        }

        public static Generator Default => new(CPU);

        public Device device { get; private set; }

        public nint Handle => NativeHandle;

        internal nint NativeHandle => handle != 0 ? handle : throw new ObjectDisposedException(nameof(Generator));

        public long initial_seed() => (long)Native.ard_generator_initial_seed(NativeHandle);

        public Generator manual_seed(long seed)
        {
            Native.Check(Native.ard_generator_seed(NativeHandle, (ulong)seed));
            return this;
        }

        public long seed()
        {
            long seed = System.Random.Shared.NextInt64();
            manual_seed(seed);
            return seed;
        }

        public Tensor get_state()
        {
            Native.Check(Native.ard_generator_get_state(NativeHandle, out long state));
            return new Tensor(state);
        }

        public void set_state(Tensor value)
        {
            Native.Check(Native.ard_generator_set_state(NativeHandle, value.NativeHandle));
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        ~Generator() => Dispose(false);

        protected virtual void Dispose(bool disposing)
        {
            nint mine = Interlocked.Exchange(ref handle, 0);
            if (mine != 0) Native.ard_generator_free(mine);
        }
    }

    /// <summary>Seeds the global generators of every device.</summary>
    public static Generator manual_seed(long seed)
    {
        Native.Check(Native.ard_manual_seed((ulong)seed));
        return Generator.Default;
    }

    public static Tensor get_rng_state() => Generator.Default.get_state();
    public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);

    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);
        public static long initial_seed() => Generator.Default.initial_seed();
        public static Tensor get_rng_state() => torch.get_rng_state();
        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
    }
}
