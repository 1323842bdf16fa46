using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Contract.Tests.MicrosoftML;

/// <summary>What a transformer from outside needs to be saved and loaded: members that are not public, by reflection, and the public
/// registration.</summary>
public class ForeignTransformerTests
{
    private static readonly Assembly s_core = typeof(ModelSaveContext).Assembly;

    private sealed class Constant : ITransformer
    {
        public int Number { get; set; }
        public bool IsRowToRowMapper => false;
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;
        public IDataView Transform(IDataView input) => input;
        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

        public void Save(ModelSaveContext ctx)
        {
            object version = s_core.GetType("Microsoft.ML.VersionInfo", true)!
                .GetConstructor([typeof(string), typeof(uint), typeof(uint), typeof(uint), typeof(string), typeof(string), typeof(string)])!
                .Invoke(["CONSTANT", 1u, 1u, 1u, typeof(Constant).Assembly.FullName, "ConstantLoader", null]);
            Method("SetVersionInfo").Invoke(ctx, [version]);
            Method("SaveBinaryStream").Invoke(ctx, ["Number", (Action<BinaryWriter>)(writer => writer.Write(Number))]);
        }

        private static MethodInfo Method(string name) => typeof(ModelSaveContext)
            .GetMethod(name, BindingFlags.Instance | BindingFlags.NonPublic)!;

        private static Constant Create(IHostEnvironment env, object ctx)
        {
            var result = new Constant();
            var load = ctx.GetType().GetMethod("TryLoadBinaryStream")!;
            Assert.True((bool)load.Invoke(ctx, ["Number", (Action<BinaryReader>)(reader => result.Number = reader.ReadInt32())])!);
            Assert.False((bool)load.Invoke(ctx, ["Other", (Action<BinaryReader>)(_ => { })])!);
            return result;
        }
    }

    /// <summary>An assembly that has nothing but the attribute of a loadable class.</summary>
    private sealed class LoaderAssembly : Assembly
    {
        private readonly Array _attributes;

        public LoaderAssembly(object attribute)
        {
            _attributes = Array.CreateInstance(attribute.GetType(), 1);
            _attributes.SetValue(attribute, 0);
        }

        public override string FullName => "Contract.Tests.Loaders";
        public override object[] GetCustomAttributes(Type attributeType, bool inherit) => (object[])_attributes;
        public override Type[] GetTypes() => [];
    }

    private static LoaderAssembly Loaders()
    {
        var signature = s_core.GetType("Microsoft.ML.SignatureLoadModel", true)!;
        object attribute = s_core.GetType("Microsoft.ML.LoadableClassAttribute", true)!
            .GetConstructor([typeof(Type), typeof(Type), typeof(Type), typeof(Type), typeof(string), typeof(string[])])!
            .Invoke([typeof(Constant), typeof(Constant), null, signature, "Constant", new[] { "ConstantLoader" }]);
        return new LoaderAssembly(attribute);
    }

    [Fact]
    public void It_is_saved_and_loaded_as_its_own_class_alone_and_in_a_chain()
    {
        var ml = new MLContext(1);
        var schema = Sample.View(ml).Schema;
        var chain = new TransformerChain<Constant>(new Constant { Number = 1 }, new Constant { Number = 2 });
        foreach (ITransformer model in new ITransformer[] { new Constant { Number = 42 }, chain })
        {
            using var file = new MemoryStream();
            ml.Model.Save(model, schema, file);
            file.Position = 0;
            var other = new MLContext();
            other.ComponentCatalog.RegisterAssembly(Loaders());
            other.ComponentCatalog.RegisterAssembly(Loaders());
            var loaded = other.Model.Load(file, out _);
            if (model is Constant) Assert.Equal(42, Assert.IsType<Constant>(loaded).Number);
            else Assert.Equal([1, 2], Assert.IsType<TransformerChain<ITransformer>>(loaded).Select(t => ((Constant)t).Number));
        }
    }

    [Fact]
    public void Without_registration_it_cannot_be_loaded()
    {
        var ml = new MLContext(1);
        using var file = new MemoryStream();
        ml.Model.Save(new Constant(), Sample.View(ml).Schema, file);
        file.Position = 0;
        Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(file, out _));
    }

    [Fact]
    public void A_damaged_file_gives_an_error()
    {
        var ml = new MLContext(1);
        ml.ComponentCatalog.RegisterAssembly(Loaders());
        using var file = new MemoryStream();
        ml.Model.Save(new Constant(), Sample.View(ml).Schema, file);
        Assert.Throws<FormatException>(() => ml.Model.Load(new MemoryStream(file.ToArray()[..(int)(file.Length / 2)]), out _));
    }

    [Fact]
    public void Version_signatures_have_eight_characters_and_loaders_up_to_twenty_four()
    {
        var constructor = s_core.GetType("Microsoft.ML.VersionInfo", true)!.GetConstructors().Single();
        constructor.Invoke(["EIGHTCHR", 1u, 1u, 1u, "A", new string('x', 24), null]);
        Assert.Throws<TargetInvocationException>(() => constructor.Invoke(["SHORT", 1u, 1u, 1u, "A", "L", null]));
    }
}
