using System.Collections;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>
    /// One module after another. What one passes to the next is disposed as soon as the next has used it; a module that hands on
    /// its very input must therefore return an alias of it.
    /// </summary>
    public class Sequential : nn.Module<Tensor, Tensor>
    {
        private readonly List<(string Name, nn.IModule<Tensor, Tensor> Module)> steps = [];

        protected Sequential(params (string, nn.Module<Tensor, Tensor>)[] modules)
            : this(modules.Select(pair => (pair.Item1, (nn.IModule<Tensor, Tensor>)pair.Item2)))
        { }

        protected Sequential(params nn.Module<Tensor, Tensor>[] modules)
            : this(modules.Select((module, i) => (i.ToString(), (nn.IModule<Tensor, Tensor>)module)))
        { }

        internal Sequential(IEnumerable<(string, nn.IModule<Tensor, Tensor>)> modules) : base("torch::nn::SequentialImpl")
        {
            foreach (var (name, module) in modules) append(name, module);
        }

        public int Count => steps.Count;

        public nn.IModule<Tensor, Tensor> this[int index] => steps[index].Module;

        /// <summary>The same modules under the same names, from start to before end.</summary>
        public Sequential this[(int? start, int? end) index]
        {
            get
            {
                int start = index.start ?? 0;
                return new Sequential(steps.GetRange(start, (index.end ?? Count) - start).Select(step => (step.Name, step.Module)));
            }
        }

        public Sequential this[Range index] => this[((int?)index.Start.GetOffset(Count), (int?)index.End.GetOffset(Count))];

        public Sequential append(string name, nn.IModule<Tensor, Tensor> module)
        {
            steps.Add((name, module));
            AddChild(name, (nn.Module)module);
            return this;
        }

        public Sequential append(nn.IModule<Tensor, Tensor> module) => append(Count.ToString(), module);

        public override Tensor forward(Tensor tensor)
        {
            if (steps.Count == 0) return tensor.alias();
            Tensor result = steps[0].Module.call(tensor);
            for (int i = 1; i < steps.Count; i++)
            {
                Tensor input = result;
                result = steps[i].Module.call(input);
                input.Dispose();
            }
            return result;
        }
    }

    /// <summary>A list of modules that become children 0, 1, ... when the list is registered in another module.</summary>
    public class ModuleList<T> : nn.Module, IList<T> where T : nn.Module
    {
        private readonly List<T> items = [];
        private bool registered;

        public ModuleList(params T[] modules) : base("ModuleList") => items.AddRange(modules);

        protected override void RegisterComponents()
        {
            if (registered) return;
            registered = true;
            for (int i = 0; i < items.Count; i++) register_module(i.ToString(), items[i]);
        }

        public int Count => items.Count;
        public bool IsReadOnly => false;
        public T this[int index] { get => items[index]; set => items[index] = value; }
        public void append(params T[] parameters) => items.AddRange(parameters);
        public void extend(IEnumerable<T> modules) => items.AddRange(modules);
        public void Add(T item) => items.Add(item);
        public void Insert(int index, T item) => items.Insert(index, item);
        public bool Remove(T item) => items.Remove(item);
        public void RemoveAt(int index) => items.RemoveAt(index);
        public void Clear() => items.Clear();
        public bool Contains(T item) => items.Contains(item);
        public int IndexOf(T item) => items.IndexOf(item);
        public void CopyTo(T[] array, int arrayIndex) => items.CopyTo(array, arrayIndex);
        public IEnumerator<T> GetEnumerator() => items.GetEnumerator();
        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential() => new([]);

            public static Sequential Sequential(params (string, Module<Tensor, Tensor>)[] modules) =>
                Sequential((IEnumerable<(string, Module<Tensor, Tensor>)>)modules);

            public static Sequential Sequential(params Tuple<string, Module<Tensor, Tensor>>[] modules) =>
                Sequential((IEnumerable<Tuple<string, Module<Tensor, Tensor>>>)modules);

            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) =>
                Sequential((IEnumerable<Module<Tensor, Tensor>>)modules);

            public static Sequential Sequential(IEnumerable<(string, Module<Tensor, Tensor>)> modules) =>
                new(modules.Select(pair => (pair.Item1, (IModule<Tensor, Tensor>)pair.Item2)));

            public static Sequential Sequential(IEnumerable<Tuple<string, Module<Tensor, Tensor>>> modules) =>
                Sequential(modules.Select(pair => (pair.Item1, pair.Item2)));

            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) =>
                Sequential(modules.Select((module, i) => (i.ToString(), module)));

            public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
            public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);
        }
    }
}
