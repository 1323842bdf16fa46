// Stands in for Microsoft.ML.Data: the entrance to everything else.
using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed class MLContext : IHostEnvironmentInternal
{
    private readonly HostShared _shared;
    private readonly Host _host;
    private readonly ConcurrentDictionary<string, object> _options = new();

    public MLContext(int? seed = null)
    {
        _shared = new HostShared { Seed = seed };
        _host = new Host(_shared, "", seed == null ? new Random() : new Random(seed.Value));
        _shared.Log = (kind, source, message) => Log?.Invoke(this, new LoggingEventArgs(message, kind, source));
        _shared.Catalog.RegisterAssembly(typeof(MLContext).Assembly);

        Data = new DataOperationsCatalog(this);
        Model = new ModelOperationsCatalog(this);
        Transforms = new TransformsCatalog(this);
        MulticlassClassification = new MulticlassClassificationCatalog(this);
    }

    public event EventHandler<LoggingEventArgs> Log;

    public DataOperationsCatalog Data { get; }

    public ModelOperationsCatalog Model { get; }

    public TransformsCatalog Transforms { get; }

    public MulticlassClassificationCatalog MulticlassClassification { get; }

    public ComponentCatalog ComponentCatalog => _shared.Catalog;

    public string TempFilePath { get => _shared.TempFilePath; set => _shared.TempFilePath = value; }

    public bool FallbackToCpu { get => _shared.FallbackToCpu; set => _shared.FallbackToCpu = value; }

    public int? GpuDeviceId { get => _shared.GpuDeviceId; set => _shared.GpuDeviceId = value; }

    public void SetOption<T>(string name, T value) => _options[name] = value;

    public bool TryAddOption<T>(string name, T value) => _options.TryAdd(name, value);

    public bool TryGetOption<T>(string name, out T value)
    {
        bool found = _options.TryGetValue(name, out object boxed);
        value = found ? (T)boxed : default;
        return found;
    }

    public T GetOptionOrDefault<T>(string name) => TryGetOption(name, out T value) ? value : default;

    public bool RemoveOption(string name) => _options.TryRemove(name, out _);

    int? IHostEnvironmentInternal.Seed => _shared.Seed;

    IHost IHostEnvironment.Register(string name, int? seed, bool? verbose) => _host.Register(name, seed, verbose);

    IChannel IChannelProvider.Start(string name) => _host.Start(name);

    IPipe<TMessage> IChannelProvider.StartPipe<TMessage>(string name) => _host.StartPipe<TMessage>(name);

    IProgressChannel IProgressChannelProvider.StartProgressChannel(string name) => _host.StartProgressChannel(name);

    string IExceptionContext.ContextDescription => _host.ContextDescription;

    TException IExceptionContext.Process<TException>(TException ex) => _host.Process(ex);
}

public class LoggingEventArgs : EventArgs
{
    public LoggingEventArgs(string message) => RawMessage = Message = message;

    public LoggingEventArgs(string message, ChannelMessageKind kind, string source)
    {
        RawMessage = message;
        Kind = kind;
        Source = source;
        Message = $"[Source={source}, Kind={kind}] {message}";
    }

    public string Message { get; }

    public ChannelMessageKind Kind { get; }

    public string Source { get; }

    public string RawMessage { get; }
}
