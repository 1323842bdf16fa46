using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public class Device
    {
        public Device(DeviceType deviceType, int index = -1) => (type, this.index) = (deviceType, index);

        public Device(int index) : this(DeviceType.CUDA, index) { }

        public Device(string deviceType, int index = -1) : this(ParseType(deviceType), index) { }

        public Device(string description)
        {
            string[] parts = description.Split(':');
            type = ParseType(parts[0]);
            index = parts.Length switch
            {
                1 => -1,
                2 when int.TryParse(parts[1], out int number) && number >= 0 => number,
                _ => throw new ArgumentException($"Invalid device string: '{description}'"),
            };
        }

        public DeviceType type { get; }

        public int index { get; }

        public static implicit operator Device(string description) => new(description);

        public override string ToString() =>
            index < 0 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";

        private static DeviceType ParseType(string name) =>
            Enum.TryParse(name.Trim(), ignoreCase: true, out DeviceType found) && !int.TryParse(name, out _)
                ? found
                : throw new ArgumentException($"Invalid device string: '{name}'");
    }

    public static readonly Device CPU = new(DeviceType.CPU);
    public static Device CUDA { get; } = new(DeviceType.CUDA);

    private static Device defaultDevice = CPU;

    public static Device device(string description) => new(description);
    public static Device device(string deviceType, int index = -1) => new(deviceType, index);
    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);
    public static Device device(int index) => new(index);

    public static Device get_default_device() => defaultDevice;
    public static void set_default_device(Device device) => defaultDevice = device;

    public static Device InitializeDevice(Device device)
    {
        device ??= get_default_device();
        InitializeDeviceType(device.type);
        return device;
    }

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (deviceType == DeviceType.CUDA && !cuda.is_available())
            throw new InvalidOperationException("Torch device type CUDA did not initialise on the current machine.");
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType != DeviceType.CUDA || cuda.is_available();

    public static class cuda
    {
        public static bool is_available() => Native.ard_cuda_is_available() != 0;
        public static bool is_cudnn_available() => Native.ard_cudnn_is_available() != 0;

        public static int device_count()
        {
            Native.Check(Native.ard_cuda_device_count(out int count));
            return count;
        }

        public static void manual_seed(long seed) => manual_seed_all(seed);
        public static void manual_seed_all(long seed) => Native.Check(Native.ard_cuda_manual_seed((ulong)seed));

        public static void synchronize(Device device = null)
        {
            if (is_available()) Native.Check(Native.ard_cuda_synchronize(device?.index ?? -1));
        }
    }

    public static class backends
    {
        public static class cuda
        {
            public static class matmul
            {
                public static bool allow_tf32 { get => Flag(4); set => SetFlag(4, value); }
            }
        }

        public static class cudnn
        {
            public static bool allow_tf32 { get => Flag(3); set => SetFlag(3, value); }
        }

        private static bool Flag(int which)
        {
            Native.Check(Native.ard_backend_flag(which, -1, out int value));
            return value != 0;
        }

        private static void SetFlag(int which, bool value) => Native.Check(Native.ard_backend_flag(which, value ? 1 : 0, out _));
    }

    public static int get_num_threads() => Native.ard_get_num_threads();
    public static void set_num_threads(int num) => Native.Check(Native.ard_set_num_threads(num));
    public static int get_num_interop_threads() => Native.ard_get_num_interop_threads();
    public static void set_num_interop_threads(int num) => Native.Check(Native.ard_set_num_interop_threads(num));

    public static string __version__ => System.Runtime.InteropServices.Marshal.PtrToStringUTF8(Native.ard_version());
}
