// The one implementation of IHost: a named part of an environment with its own random source.
using System.Diagnostics;

namespace Microsoft.ML.Runtime;

/// <summary>What all hosts of one MLContext share.</summary>
internal sealed class HostShared
{
    public ComponentCatalog Catalog { get; } = new();

    public int? Seed { get; init; }

    public string TempFilePath { get; set; } = Path.GetTempPath();

    public bool FallbackToCpu { get; set; }

    public int? GpuDeviceId { get; set; }

    public Action<ChannelMessageKind, string, string> Log { get; set; }
}

internal sealed class Host : IHost, IHostEnvironmentInternal
{
    private readonly HostShared _shared;
    private readonly string _name;

    public Host(HostShared shared, string name, Random rand)
    {
        _shared = shared;
        _name = name;
        Rand = rand;
    }

    public Random Rand { get; }

    public ComponentCatalog ComponentCatalog => _shared.Catalog;

    public int? Seed => _shared.Seed;

    public string TempFilePath { get => _shared.TempFilePath; set => _shared.TempFilePath = value; }

    public bool FallbackToCpu { get => _shared.FallbackToCpu; set => _shared.FallbackToCpu = value; }

    public int? GpuDeviceId { get => _shared.GpuDeviceId; set => _shared.GpuDeviceId = value; }

    public string ContextDescription => "HostEnvironment";

    public TException Process<TException>(TException ex) where TException : Exception => Mark(ex, _name, null);

    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        int childSeed;
        lock (Rand) childSeed = seed ?? Rand.Next();
        return new Host(_shared, _name.Length == 0 ? name : $"{_name}; {name}", new Random(childSeed));
    }

    public IChannel Start(string name) => new Channel(this, name, _name.Length == 0 ? name : $"{_name}; {name}");

    public IPipe<TMessage> StartPipe<TMessage>(string name) => new Pipe<TMessage>(this);

    public IProgressChannel StartProgressChannel(string name) => new SilentProgress();

    private static TException Mark<TException>(TException ex, string component, string phase) where TException : Exception
    {
        ex.Data["Throwing component"] = component;
        if (phase != null) ex.Data["Phase"] = phase;
        return ex;
    }

    private sealed class Pipe<TMessage> : IPipe<TMessage>
    {
        private readonly Host _host;

        public Pipe(Host host) => _host = host;

        public string ContextDescription => _host.ContextDescription;

        public TException Process<TException>(TException ex) where TException : Exception => _host.Process(ex);

        public void Send(TMessage msg) { }

        public void Dispose() { }
    }

    /// <summary>Progress of the real library reaches no listener of an MLContext either.</summary>
    private sealed class SilentProgress : IProgressChannel
    {
        public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction) { }

        public void Checkpoint(params double?[] values) { }

        public IProgressChannel StartProgressChannel(string name) => new SilentProgress();

        public void Dispose() { }
    }

    private sealed class Channel : IChannel
    {
        private readonly Host _host;
        private readonly string _name;
        private readonly string _source;
        private readonly long _start = Stopwatch.GetTimestamp();
        private bool _disposed;

        public Channel(Host host, string name, string source)
        {
            _host = host;
            _name = name;
            _source = source;
            Write(ChannelMessageKind.Trace, "Channel started");
        }

        public string ContextDescription => _source;

        public TException Process<TException>(TException ex) where TException : Exception => Mark(ex, _host._name, _name);

        public void Send(ChannelMessage msg) => Write(msg.Kind, msg.Message);

        public void Trace(MessageSensitivity sensitivity, string fmt) => Write(ChannelMessageKind.Trace, fmt);

        public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args) =>
            Write(ChannelMessageKind.Trace, string.Format(fmt, args));

        public void Error(MessageSensitivity sensitivity, string fmt) => Write(ChannelMessageKind.Error, fmt);

        public void Error(MessageSensitivity sensitivity, string fmt, params object[] args) =>
            Write(ChannelMessageKind.Error, string.Format(fmt, args));

        public void Warning(MessageSensitivity sensitivity, string fmt) => Write(ChannelMessageKind.Warning, fmt);

        public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args) =>
            Write(ChannelMessageKind.Warning, string.Format(fmt, args));

        public void Info(MessageSensitivity sensitivity, string fmt) => Write(ChannelMessageKind.Info, fmt);

        public void Info(MessageSensitivity sensitivity, string fmt, params object[] args) =>
            Write(ChannelMessageKind.Info, string.Format(fmt, args));

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            Write(ChannelMessageKind.Trace, $"Channel finished. Elapsed {Stopwatch.GetElapsedTime(_start)}.");
            Write(ChannelMessageKind.Trace, "Channel disposed");
        }

        private void Write(ChannelMessageKind kind, string message) => _host._shared.Log?.Invoke(kind, _source, message);
    }
}
