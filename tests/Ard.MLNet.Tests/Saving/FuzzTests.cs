using System.Text;
using Ard.Fuzzing;
using Ard.MLNet.Saving;
using Ard.Trainers.Checkpoints;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Ard.MLNet.Tests.Saving;

/// <summary>Damaged model files: refused by <see cref="FormatException"/>, or by what ML.NET's own reader of the archive throws.</summary>
public sealed class FuzzTests
{
    private readonly MLContext ml = new MLContext(1).RegisterArd();

    [Theory]
    [InlineData(300)]
    public void Damaged_models(int count) => Models(count);

    [Fact]
    [Trait("Category", "Long")]
    public void Twenty_thousand_damaged_models() => Models(20_000);

    private void Models(int count)
    {
        var zip = Saved();
        var payload = SaveLoadTests.Payload(zip, out _, out _);
        // The archive as a whole: what surrounds our bytes is ML.NET's affair, and damage there is noticed by its classes.
        Read([zip], count / 3, bytes => Discard(SaveLoadTests.Unwrapped(() => ml.Model.Load(new MemoryStream(bytes), out _))),
            exception => exception is FormatException or InvalidDataException or IOException or InvalidOperationException or ArgumentException);
        // Our bytes in it.
        Read([payload], count / 3, Classifier, exception => exception is FormatException);

        // And a digest that is right: whoever makes a file can make that as well.
        using var scope = NewDisposeScope();
        using var contents = new MemoryStream(payload[20..]);
        var settings = Safetensors.ReadMetadata(contents, "model")["ard.classifier"];
        contents.Position = 0;
        var tensors = Safetensors.Read(contents, "model");
        Read([Encoding.UTF8.GetBytes(settings)], count / 3, bytes => Classifier(WithSettings(Encoding.UTF8.GetString(bytes))),
            exception => exception is FormatException);

        byte[] WithSettings(string text)
        {
            using var changed = new MemoryStream();
            Safetensors.Write(changed, tensors.Select(pair => (pair.Key, pair.Value)), new Dictionary<string, string> { ["ard.classifier"] = text });
            return [.. payload[..12], .. BitConverter.GetBytes(changed.Length), .. changed.ToArray()];
        }
    }

    [Fact]
    public void A_network_larger_than_the_file_is_refused_before_memory_is_taken()
    {
        var payload = SaveLoadTests.Payload(Saved(), out _, out _);
        using var scope = NewDisposeScope();
        var huge = Encoding.UTF8.GetBytes("{\"name\":\"wideresnet\",\"depth\":1000,\"widenFactor\":256}".Replace("\"", "\\u0022"));
        using var contents = new MemoryStream(payload[20..]);
        var settings = Safetensors.ReadMetadata(contents, "model")["ard.classifier"];
        contents.Position = 0;
        var start = settings.IndexOf("\"network\":\"", StringComparison.Ordinal) + 11;
        var end = start;
        while (settings[end] != '"' || settings[end - 1] == '\\') end++;
        using var changed = new MemoryStream();
        Safetensors.Write(changed, Safetensors.Read(contents, "model").Select(pair => (pair.Key, pair.Value)),
            new Dictionary<string, string> { ["ard.classifier"] = settings[..start] + Encoding.UTF8.GetString(huge) + settings[end..] });
        byte[] file = [.. payload[..12], .. BitConverter.GetBytes(changed.Length), .. changed.ToArray()];
        Assert.Contains("weights and more, found", Assert.Throws<FormatException>(() => Classifier(file)).Message);
    }

    private byte[] Saved()
    {
        using var stream = new MemoryStream();
        ml.Model.Save(Tiny.Classifier, Tiny.Glyphs(ml, 20).Schema, stream);
        return stream.ToArray();
    }

    private void Classifier(byte[] bytes) => ClassifierFile.Read(new MemoryStream(bytes), ml.ComponentCatalog).Dispose();

    private static void Discard(ITransformer model) => (model as IDisposable)?.Dispose();

    private static void Read(byte[][] files, int count, Action<byte[]> read, Func<Exception, bool> isRefusal)
    {
        var (good, refused) = Fuzz.Run(files, count, read, isRefusal);
        Assert.Equal(count, good + refused);
        Assert.True(refused > count / 4);
    }
}
