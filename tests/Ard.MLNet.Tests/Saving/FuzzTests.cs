using System.Text.Json.Nodes;
using Ard.Fuzzing;
using Ard.MLNet.Saving;

namespace Ard.MLNet.Tests.Saving;

/// <summary>Damaged model files: refused by <see cref="FormatException"/>, or by what ML.NET's own reader of the archive throws.</summary>
public sealed class FuzzTests
{
    private readonly MLContext ml = new MLContext(1);

    [Theory]
    [InlineData(300)]
    public void Damaged_models(int count) => Models(count);

    [Fact]
    [Trait("Category", "Long")]
    public void A_hundred_thousand_damaged_models() => Models(100_000);

    private void Models(int count)
    {
        var zip = Saved();
        var payload = SaveLoadTests.Payload(zip, out _, out _);
        // The archive as a whole: what surrounds our bytes is ML.NET's affair, and damage there is noticed by its classes.
        Read([zip], count / 3, bytes => Discard(SaveLoadTests.Unwrapped(() => ml.Model.Load(new MemoryStream(bytes), out _))),
            fault => fault is FormatException or InvalidDataException or IOException or InvalidOperationException or ArgumentException
                or OverflowException);
        // Our bytes in it.
        Read([payload], count / 3, Classifier, fault => fault is FormatException);
        // And settings under a digest that is right: whoever makes a file can make that as well.
        Read([Encoding.UTF8.GetBytes(Settings(payload))], count / 3,
            bytes => Classifier(WithSettings(payload, Encoding.UTF8.GetString(bytes))), fault => fault is FormatException);
    }

    [Fact]
    public void A_network_larger_than_the_file_is_refused_before_memory_is_taken()
    {
        var payload = SaveLoadTests.Payload(Saved(), out _, out _);
        var settings = JsonNode.Parse(Settings(payload))!;
        settings["network"] = """{"name":"wideresnet","depth":1000,"widenFactor":256}""";
        var fault = Assert.Throws<FormatException>(() => Classifier(WithSettings(payload, settings.ToJsonString())));
        Assert.Contains("weights and more, found", fault.Message);
    }

    private static string Settings(byte[] payload) =>
        SafetensorsHeader.Read(new MemoryStream(payload[20..]), "model").Metadata["ard.classifier"];

    private static byte[] WithSettings(byte[] payload, string settings)
    {
        using var scope = NewDisposeScope();
        var tensors = Safetensors.Read(new MemoryStream(payload[20..]), "model");
        using var changed = new MemoryStream();
        Safetensors.Write(changed, tensors.Select(pair => (pair.Key, pair.Value)),
            new Dictionary<string, string> { ["ard.classifier"] = settings });
        return [.. payload[..12], .. BitConverter.GetBytes(changed.Length), .. changed.ToArray()];
    }

    private byte[] Saved()
    {
        using var stream = new MemoryStream();
        ml.Model.Save(Tiny.Classifier, Tiny.Glyphs(ml, 20).Schema, stream);
        return stream.ToArray();
    }

    private void Classifier(byte[] bytes) => ClassifierFile.Read(new MemoryStream(bytes), ml).Dispose();

    private static void Discard(ITransformer model) => (model as IDisposable)?.Dispose();

    private static void Read(byte[][] files, int count, Action<byte[]> read, Func<Exception, bool> isRefusal)
    {
        var (good, refused) = Fuzz.Run(files, count, read, isRefusal);
        Assert.Equal(count, good + refused);
        Assert.True(refused > count / 4);
    }
}
