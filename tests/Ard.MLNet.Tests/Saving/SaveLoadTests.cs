using System.IO.Compression;
using System.Reflection;
using Ard.MLNet.Tests.Scorer;
using Ard.Tests;

namespace Ard.MLNet.Tests.Saving;

// A training beside it would change this process's number of threads, and with it the rounding.
[Collection(Alone.Name)]
public sealed class SaveLoadTests
{
    // Fixtures/model-v1.zip is a file that "Ard.MLNet.Tests.Scorer --write FILE" made, built from the sources of commit cd2f19b.
    // Fixtures/classifier-v1.bin is the entry Ard of such a file. These are their scores of two images.
    private const string FirstVersionScores =
        "3de1d5c3 3db269f5 3dc9a2de 3ddb703a 3dc435a0 3dc2411b 3ddf756f 3dbdf798 3dcc019a 3dd6c7cc "
        + "3dde02b6 3db5f999 3dced29d 3ddbba94 3dc6605e 3dbbce28 3de22326 3dc2bc24 3dccbde9 3dcdaace";

    private readonly MLContext ml = new MLContext(1).RegisterNetworks(LinearNetwork.Definition);

    [Fact]
    public void A_model_comes_back_with_the_same_schema_and_the_same_bits()
    {
        var data = Tiny.Glyphs(ml, 20);
        var loaded = Load(Save(Tiny.Classifier, data.Schema), out var schema);

        Assert.Equal(data.Schema["Features"].Type, schema["Features"].Type);
        Assert.Equal(Tiny.Classifier.GetOutputSchema(data.Schema).ToString(), loaded.GetOutputSchema(data.Schema).ToString());
        Assert.Equal(Shapes.Text(Tiny.Classifier.GetOutputSchema(data.Schema)), Shapes.Text(loaded.GetOutputSchema(data.Schema)));
        Assert.Equal(Scores.Of(ml, Tiny.Classifier, data), Scores.Of(ml, loaded, data));
        var classifier = Assert.IsType<ImageClassifierTransformer>(loaded is IEnumerable<ITransformer> chain ? chain.Last() : loaded);
        Assert.Equal(Tiny.Classifier.ClassNames, classifier.ClassNames);
        Assert.Equal(Tiny.Classifier.Network.Spec, classifier.Network.Spec);
        Assert.Null(classifier.Training);
    }

    [Fact]
    public void Weights_that_are_not_finite_give_no_plausible_score_and_are_refused_by_their_tensor()
    {
        var data = ml.Data.LoadGlyphs(20, 7);
        using var model = Tiny.Keys(ml).Append(new ArdTrainer(ml, Tiny.Natural())).Fit(data);
        var (name, first) = ImageClassifierTransformer.From(model).Model.named_parameters().First();
        // Before a ReLU, of which a fused one would make 0.
        using (TorchSharp.torch.no_grad()) first.fill_(float.NaN);
        Assert.All(Tiny.Vectors(model.Transform(data), "Score"), scores => Assert.All(scores, score => Assert.True(float.IsNaN(score))));
        var saved = Save(model, data.Schema);
        var fault = Assert.Throws<FormatException>(() => Unwrapped(() => Load(saved, out _)));
        Assert.Contains("NaN or infinity", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"'{name}'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipeline_with_one_is_saved_and_saved_again()
    {
        var data = ml.Data.LoadGlyphs(20, 7);
        using var model = Tiny.Keys(ml).Append(new ArdTrainer(ml, Tiny.Natural()))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(data);

        var loaded = Load(Save(model, data.Schema), out var schema);
        var again = Load(Save(loaded, schema), out _);

        Assert.Equal(Scores.Of(ml, model, data), Scores.Of(ml, loaded, data));
        Assert.Equal(Scores.Of(ml, model, data), Scores.Of(ml, again, data));
        Assert.Equal(Texts(model.Transform(data)), Texts(again.Transform(data)));

        static IEnumerable<string> Texts(IDataView view) =>
            Tiny.Column<ReadOnlyMemory<char>>(view, "PredictedLabel").Select(text => text.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_process_gives_the_same_scores_bit_for_bit(bool own)
    {
        var data = ml.Data.LoadGlyphs(10, 7);
        var trainer = new ArdTrainer(ml, Tiny.Natural(own ? LinearNetwork.Definition : null));
        using var model = Tiny.Keys(ml).Append(trainer).Fit(data);
        Assert.Equal(Scores.Of(ml, model, data), await InAnotherProcess(model, data, "Score"));
    }

    [Fact]
    public async Task Another_process_makes_the_same_adversarial_examples_bit_for_bit()
    {
        // Set here: a training on another thread may have left its number to the library of matrices, which has one for all threads.
        using var threads = new TwoThreads();
        var data = ml.Data.LoadGlyphs(10, 7);
        // Two random starts, in L2, other names of columns: everything that the file has to keep.
        var options = new AdversarialExamplesOptions
        {
            AttackName = "pgd-3x2",
            Threat = ThreatModel.L2(0.7),
            LabelColumnName = "Key",
            OutputColumnName = "Attacked",
            BatchSize = 3,
            Seed = 5,
        };
        var model = ml.Transforms.Conversion.MapValueToKey("Key", "Label")
            .Append(ml.Transforms.AdversarialExamples(Tiny.Classifier, options)).Fit(data);
        Assert.Equal(Scores.Of(ml, model, data, "Attacked"), await InAnotherProcess(model, data, "Attacked"));
        Assert.NotEqual(Scores.Of(ml, model, data, "Features"), Scores.Of(ml, model, data, "Attacked"));
    }

    [Fact]
    public void A_step_of_adversarial_examples_comes_back_with_its_schema_and_frees_only_its_own_classifier()
    {
        var data = Tiny.Glyphs(ml, 10);
        var attack = new AdversarialExamplesOptions { Attack = AutoAttack.Standard, BatchSize = 7 };
        var model = ml.Transforms.AdversarialExamples(Tiny.Classifier, attack).Fit(data);
        var loaded = Load(Save(model, data.Schema), out var schema);
        Assert.Equal(Shapes.Text(model.GetOutputSchema(data.Schema)), Shapes.Text(loaded.GetOutputSchema(schema)));
        var again = Load(Save(loaded, schema), out _);
        Assert.IsAssignableFrom<IDisposable>(again).Dispose();
        Assert.Throws<ObjectDisposedException>(() => Tiny.Vectors(again.Transform(data), "AdversarialFeatures"));
        Assert.IsAssignableFrom<IDisposable>(model).Dispose();
        Assert.NotEmpty(Tiny.Vectors(Tiny.Classifier.Transform(data), "Score"));
    }

    [Fact]
    public void An_attack_that_has_no_name_is_not_saved_and_says_why()
    {
        var data = Tiny.Glyphs(ml, 10);
        var own = new Pgd(new PgdOptions { Steps = 3, Start = Start.Clean, Keep = KeptPoint.FirstBroken });
        var step = ml.Transforms.AdversarialExamples(Tiny.Classifier, new() { Attack = own }).Fit(data);
        var fault = Assert.Throws<NotSupportedException>(() => Save(step, data.Schema));
        Assert.Contains("'pgd-3: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("expected one of AttackCatalog", fault.Message, StringComparison.Ordinal);
    }

    private async Task<string[]> InAnotherProcess(ITransformer model, IDataView data, string column)
    {
        var path = Path.Combine(Tiny.Folder(), "model.zip");
        ml.Model.Save(model, data.Schema, path);
        return await AnotherProcess.Lines(path, "10", column);
    }

    [Fact]
    public void MLNET_finds_what_it_loads_in_the_assembly_that_the_file_names_or_that_it_is_given()
    {
        var loadable = typeof(ArdTrainer).Assembly.GetCustomAttributes()
            .Select(attribute => attribute.GetType().GetProperty("LoadNames")?.GetValue(attribute)).OfType<IEnumerable<string>>();
        Assert.Equal(["ArdAdversarialExamples", "ArdImageClassifier"], loadable.SelectMany(names => names).Order());

        var data = Tiny.Glyphs(ml, 20);
        var bytes = Save(Tiny.Classifier.Append(ml.Transforms.AdversarialExamples(Tiny.Classifier).Fit(data)), data.Schema);
        var given = new MLContext();
        given.ComponentCatalog.RegisterAssembly(typeof(ArdTrainer).Assembly);
        foreach (var context in new[] { given, new MLContext() })
        {
            var loaded = context.Model.Load(new MemoryStream(bytes), out _);
            Assert.Equal(Tiny.Vectors(Tiny.Classifier.Transform(data), "Score"), Tiny.Vectors(loaded.Transform(data), "Score"));
        }
    }

    [Fact]
    public void A_network_of_ones_own_that_was_not_registered_is_named()
    {
        using var model = new ArdTrainer(ml, Tiny.Natural(LinearNetwork.Definition)).Fit(Tiny.Glyphs(ml, 20));
        var bytes = Save(model, Tiny.Glyphs(ml, 20).Schema);

        var fault = Assert.Throws<FormatException>(
            () => Unwrapped(() => new MLContext().Model.Load(new MemoryStream(bytes), out _)));
        Assert.Contains("'linear'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("RegisterNetworks", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_model_is_an_error_wherever_the_damage_is()
    {
        var bytes = Payload(Save(Tiny.Classifier, Tiny.Glyphs(ml, 20).Schema), out var entry, out var zip);
        foreach (var at in new[] { 0, 7, 8, 12, 19, 20, 27, 28, 100, 200, 400, 800, bytes.Length / 2, bytes.Length - 1 })
        {
            var damaged = bytes.ToArray();
            damaged[at] ^= 0x41;
            Refused(Replace(zip, entry, damaged), $"byte {at}");
        }
        foreach (var length in new[] { 0, 10, 20, 30, bytes.Length / 2, bytes.Length - 1 })
            Refused(Replace(zip, entry, bytes[..length]), $"length {length}");

        void Refused(byte[] model, string what)
        {
            var fault = Record.Exception(() => Unwrapped(() => Load(model, out _)));
            Assert.True(fault is FormatException, $"{what}: {fault?.GetType().Name ?? "no error"} {fault?.Message}");
            Assert.Contains("cannot be read", fault!.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_file_of_a_later_version_says_so()
    {
        var bytes = Payload(Save(Tiny.Classifier, Tiny.Glyphs(ml, 20).Schema), out var entry, out var zip);
        bytes[8] = 2;
        var fault = Assert.Throws<FormatException>(() => Unwrapped(() => Load(Replace(zip, entry, bytes), out _)));
        Assert.Contains("expected version 1, found 2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_of_the_first_version_still_loads_with_the_scores_of_then()
    {
        // What surrounds our bytes in the file is ML.NET's affair.
        Payload(Save(Tiny.Classifier, Tiny.Glyphs(ml, 20).Schema), out var entry, out var zip);
        var bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "classifier-v1.bin"));
        var loaded = Load(Replace(zip, entry, bytes), out _);
        AssertScores(FirstVersionScores, loaded, ml.Data.LoadGlyphs(2, 7));
    }

    [Fact]
    public void A_whole_file_of_the_first_version_loads_with_the_scores_of_then()
    {
        var data = Tiny.Texts(ml, 2);
        var model = Load(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "model-v1.zip")), out var schema);
        Assert.Equal(data.Schema["Features"].Type, schema["Features"].Type);
        AssertScores(FirstVersionScores, model, data);
        // What the pipeline does before the classifier is in the file too.
        var view = model.Transform(data);
        var named = ml.Transforms.Conversion.MapKeyToValue("Label").Fit(view).Transform(view);
        Assert.Equal("disk", Tiny.Column<ReadOnlyMemory<char>>(named, "Label")[0].ToString());
    }

    private static void AssertScores(string hexadecimal, ITransformer model, IDataView data)
    {
        var found = Tiny.Vectors(model.Transform(data), "Score").SelectMany(scores => scores).ToArray();
        var expected = hexadecimal.Split(' ').Select(digits => BitConverter.Int32BitsToSingle(Convert.ToInt32(digits, 16))).ToArray();
        // Another libtorch may add in another order.
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-5f);
    }

    [Fact]
    public void Registering_twice_is_harmless()
    {
        var again = new MLContext().RegisterNetworks(LinearNetwork.Definition).RegisterNetworks(LinearNetwork.Definition);
        again.ComponentCatalog.RegisterAssembly(typeof(ArdTrainer).Assembly);
        using var model = new ArdTrainer(ml, Tiny.Natural(LinearNetwork.Definition)).Fit(Tiny.Glyphs(ml, 20));

        Assert.NotNull(again.Model.Load(new MemoryStream(Save(model, Tiny.Glyphs(ml, 20).Schema)), out _));
    }

    internal static byte[] Save(MLContext ml, ITransformer model, DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        ml.Model.Save(model, schema, stream);
        return stream.ToArray();
    }

    private byte[] Save(ITransformer model, DataViewSchema schema) => Save(ml, model, schema);

    private ITransformer Load(byte[] bytes, out DataViewSchema schema) => ml.Model.Load(new MemoryStream(bytes), out schema);

    /// <summary>The exception at the bottom of those that ML.NET wraps around what a loader throws.</summary>
    internal static T Unwrapped<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception exception)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(Ours(exception));
            throw;
        }

        static Exception Ours(Exception exception) =>
            exception is FormatException && exception.Message.Contains("cannot be read", StringComparison.Ordinal)
                || exception.InnerException is null
                ? exception
                : Ours(exception.InnerException);
    }

    internal static byte[] Payload(byte[] zip, out string entry, out byte[] same)
    {
        same = zip;
        using var archive = new ZipArchive(new MemoryStream(zip));
        // Ours is by far the largest.
        var largest = archive.Entries.MaxBy(one => one.Length)!;
        entry = largest.FullName;
        using var stream = largest.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static byte[] Replace(byte[] zip, string entry, byte[] bytes)
    {
        using var stream = new MemoryStream();
        stream.Write(zip);
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            archive.GetEntry(entry)!.Delete();
            using var written = archive.CreateEntry(entry).Open();
            written.Write(bytes);
        }
        return stream.ToArray();
    }
}
