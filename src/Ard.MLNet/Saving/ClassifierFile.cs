using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Transforms.Image;
using Microsoft.ML.Runtime;
using static Microsoft.ML.Transforms.Image.ImagePixelExtractingEstimator;
using static Microsoft.ML.Transforms.Image.ImageResizingEstimator;

namespace Ard.MLNet.Saving;

/// <summary>
/// A classifier as bytes: the text "ARDCLASS", a version (int32), a length (int64), and so many bytes of safetensors, which hold the
/// weights, all settings as JSON in the metadata entry <c>ard.classifier</c>, and a digest of it all. Whatever a later version of this
/// library adds has to leave readable what this one wrote.
/// </summary>
internal static class ClassifierFile
{
    public const string LoaderName = "ArdImageClassifier";
    private const int Version = 1;
    private const string Entry = "ard.classifier";
    private const string Picture = "Image";
    private const string StreamName = "the classifier in the model";
    private static readonly byte[] Magic = Encoding.ASCII.GetBytes("ARDCLASS");

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // The text is only ever read by this class.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // Network is the JSON of a NetworkSpec; Custom the name of a network of the user's own. One of the two.
    private sealed record Settings(
        string Features, int Channels, int Height, int Width, bool Interleaved, double Scale, double Offset, string? LabelType,
        IReadOnlyList<string> Labels,
        int BatchSize, string? Network, string? Custom,
        // Null in files of before there were others than ARGB, IsoCrop, floats and flat vectors.
        string? ColorOrder = null, string? Resizing = null, string? Column = null, int[]? Dimensions = null);

    /// <summary>Writes a classifier, with metadata entries of the step's own that it belongs to.</summary>
    public static void Write(Stream stream, Classifier classifier, IReadOnlyDictionary<string, string>? entries = null)
    {
        var (format, labels, definition) = (classifier.Format, classifier.Labels, classifier.Definition);
        var (layout, vector) = (format.Layout, format.Column as VectorDataViewType);
        var settings = new Settings(
            classifier.Features, format.Channels, format.Height, format.Width, layout.Interleaved, layout.Scale, layout.Offset,
            labels.KindName, labels.Names,
            classifier.BatchSize, definition.Spec?.ToJson(), definition.Spec is null ? definition.Name : null, $"{layout.ColorOrder}",
            $"{layout.Resizing}", vector is null ? Picture : $"{vector.ItemType}", vector?.Dimensions.ToArray());
        using var used = classifier.Use();
        using var contents = new MemoryStream();
        Safetensors.Write(
            contents,
            classifier.Network.state_dict().Select(pair => (pair.Key, pair.Value)),
            new Dictionary<string, string>(entries ?? new Dictionary<string, string>())
            {
                [Entry] = JsonSerializer.Serialize(settings, Json),
            });
        Span<byte> header = stackalloc byte[20];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteInt64LittleEndian(header[12..], contents.Length);
        stream.Write(header);
        stream.Write(contents.GetBuffer().AsSpan(0, (int)contents.Length));
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote, in this or an earlier version. The network is on the device that the MLContext says.
    /// </summary>
    /// <exception cref="FormatException">The bytes are damaged, of a later version, or name a network that was not registered.</exception>
    public static Classifier Read(Stream stream, IHostEnvironment env) => Read(stream, env, static (classifier, _) => classifier);

    /// <summary>The same for a step that has a classifier: <paramref name="step"/> makes it of that and the metadata entries.</summary>
    public static T Read<T>(Stream stream, IHostEnvironment env, Func<Classifier, IReadOnlyDictionary<string, string>, T> step)
    {
        try
        {
            Span<byte> header = stackalloc byte[20];
            stream.ReadExactly(header);
            if (!header.StartsWith(Magic)) throw new FormatException("expected it to begin with ARDCLASS");
            var version = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
            if (version != Version)
                throw new FormatException($"expected version {Version}, found {version}; a newer version of this library may read it");
            var length = BinaryPrimitives.ReadInt64LittleEndian(header[12..]);
            if (length is < 0 or > int.MaxValue) throw new FormatException($"expected a length below 2 GB, found {length}");
            // Not disposed of: the stream is the caller's.
            using var contents = new MemoryStream(new DataFileReader(stream, StreamName).Read(length, "the classifier"));
            return Parse(contents, env, step);
        }
        catch (Exception exception) when (
            exception is FormatException or IOException or InvalidDataException or JsonException or ArgumentException or OverflowException)
        {
            throw new FormatException($"The classifier in the model cannot be read: {exception.Message}", exception);
        }
    }

    private static T Parse<T>(Stream contents, IHostEnvironment env, Func<Classifier, IReadOnlyDictionary<string, string>, T> step)
    {
        var metadata = SafetensorsHeader.Read(contents, StreamName).Metadata;
        contents.Position = 0;
        using var scope = NewDisposeScope();
        // Read first: the digest is known to be right before anything is made of the settings.
        var tensors = Safetensors.Read(contents, StreamName, requireDigest: true);
        if (!metadata.TryGetValue(Entry, out var text) || JsonSerializer.Deserialize<Settings>(text, Json) is not { } settings)
            throw new FormatException($"expected settings in the metadata entry {Entry}");
        if (settings is not { Features: not null, Labels: not null, Channels: > 0, Height: > 0, Width: > 0 }
            || settings.BatchSize is < 1 or > BatchMapping.MostRows)
            throw new FormatException($"expected column, labels, image and batch size in the metadata entry {Entry}, found {text}");
        NetworkDefinition definition = settings.Network is { } json ? NetworkSpec.FromJson(json) : env.Network(settings.Custom);
        var dimensions = settings.Dimensions ?? [settings.Channels * settings.Height * settings.Width];
        DataViewType column = settings.Column switch
        {
            null or "Single" => new VectorDataViewType(NumberDataViewType.Single, dimensions),
            "Byte" => new VectorDataViewType(NumberDataViewType.Byte, dimensions),
            Picture => new ImageDataViewType(),
            _ => throw new FormatException($"expected a column of floats, bytes or images, found {settings.Column}"),
        };
        var layout = new ImageLayout
        {
            Interleaved = settings.Interleaved,
            Scale = settings.Scale,
            Offset = settings.Offset,
            ColorOrder = Known(settings.ColorOrder, ColorsOrder.ARGB),
            Resizing = Known(settings.Resizing, ResizingKind.IsoCrop),
        };
        var format = new PixelFormat(settings.Channels, settings.Height, settings.Width, layout) { Column = column };
        var labels = ClassLabels.Parse(settings.Labels, settings.LabelType);
        return (definition.Spec?.BuildFor(tensors.Values) ?? definition.Build(seed: 0)).OrDispose(network =>
        {
            Weights.Load(network, tensors);
            if (Weights.NotFinite(network) is { } found) throw new FormatException($"expected finite weights, found {found}");
            network.to(TrainingDevice.Find(env.Device("auto")));
            return step(new Classifier(network, definition, format, labels, settings.Features, settings.BatchSize), metadata);
        });
    }

    private static T Known<T>(string? name, T unsaid) where T : struct, Enum =>
        name is null ? unsaid : Enum.GetValues<T>().Cast<T?>().FirstOrDefault(value => $"{value}" == name)
            ?? throw new FormatException($"expected a {typeof(T).Name}, found {name}");
}
